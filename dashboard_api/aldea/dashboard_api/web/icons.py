"""The small line drawings of the pages, each one path in a square of twenty units."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STROKES: Mapping[str, str] = MappingProxyType(
    {
        "menu": "M2.5 5h15m-15 5h15m-15 5h15",
        "person": "M10 9.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 18c0-3.5 3-5.5 7-5.5s7 2 7 5.5",
        "bell": "M4.5 14h11l-1.5-2.5V8a4 4 0 0 0-8 0v3.5zM8.5 17h3M10 4V2",
        "steps": "M2 17.5h4v-4h4v-4h4v-4h4",
        "form": "M4.5 2h11v16h-11zM7.5 6.5h5m-5 3.5h5m-5 3.5h3",
        "gear": "M10 7a3 3 0 1 0 0 6 3 3 0 0 0 0-6z"
        "M10 1.5v3m0 11v3m8.5-8.5h-3m-11 0h-3M16 4l-2.1 2.1M6.1 13.9 4 16M16 16l-2.1-2.1M6.1 6.1 4 4",
        "talk": "M3 3.5h14v10H9l-4 3.5v-3.5H3z",
        "send": "M2.5 4.5h15v11h-15zM2.5 5l7.5 6 7.5-6",
        "check": "m3.5 10.5 4.5 4.5 8.5-10",
        "clock": "M10 18a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM10 5.5V10l3 2",
    }
)
