"""Indicator values as the API and the pages read them: what was asked for, within the visitor's rights."""

from __future__ import annotations
