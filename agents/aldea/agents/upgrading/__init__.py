"""Upgrades from afar: fetched in small parts, checked, built beside what runs, tried, and kept or given up.

`launch` is what the service manager starts; it and `state` need the standard library and the model alone.
"""

from __future__ import annotations
