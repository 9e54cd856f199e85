"""Settings from afar: kept over those of the machine, tried before they are kept, given up when nobody hears us."""

from __future__ import annotations
