"""Cells that a spreadsheet would run as a formula: written so that it does not, and read as they were meant."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"[-+]?\d[\d.,]*")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def harmless(cell: str) -> str:
    """Return a cell's text such that no spreadsheet runs it; a number with its sign is left as it is."""
    return f"'{cell}" if cell.startswith(_FORMULA) and not _NUMBER.fullmatch(cell) else cell


def as_meant(cell: str) -> str:
    """Return the text that `harmless` was given."""
    return cell[1:] if cell[:1] == "'" and harmless(cell[1:]) == cell else cell
