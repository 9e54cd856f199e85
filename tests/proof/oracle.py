"""The oracle: what an agent was about to record, on disk before the agent itself hears of it."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MEASUREMENT = "proof"
ROWS_A_CYCLE = 3

Fields = dict[str, Any]


@dataclass
class Life:
    """One run of an agent's process: the cycles it was about to record, and whether it saw the end of measuring."""

    number: int
    cycles: list[list[Fields]] = field(default_factory=list)
    quiet: bool = False


class Oracle:
    """One agent's log. Each line is written with one call and is on disk when the call returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self) -> int:
        """Note a start of the process and return its number, from 1."""
        number = len(self.lives()) + 1
        self._write({"life": number, "start": True})
        return number

    def about_to_record(self, life: int, rows: Sequence[Fields]) -> None:
        """Note one cycle's readings."""
        self._write({"life": life, "rows": list(rows)})

    def nothing_more(self, life: int) -> None:
        """Note that this run measures no more."""
        self._write({"life": life, "quiet": True})

    def lives(self) -> list[Life]:
        """Return all runs, oldest first; a run that was killed before it could note its start is not among them."""
        found: list[Life] = []
        text = self.path.read_text(encoding="utf-8") if self.path.exists() else ""
        for line in text.splitlines():
            entry = json.loads(line)
            if "start" in entry:
                found.append(Life(entry["life"]))
            elif "rows" in entry:
                found[-1].cycles.append(entry["rows"])
            else:
                found[-1].quiet = True
        return found

    def _write(self, entry: Fields) -> None:
        line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            assert os.write(file, line) == len(line)
            os.fsync(file)
        finally:
            os.close(file)


class OracleProbe:
    """A probe whose readings cannot be mistaken for others; each goes to the oracle first.

    Once the file `quiet` is there it measures no more, and says so.
    """

    name = MEASUREMENT

    def __init__(self, oracle: Oracle, quiet: Path) -> None:
        self._oracle = oracle
        self._quiet = quiet
        self._life = oracle.begin()
        self._cycle = 0
        self._said_quiet = False

    async def measure(self) -> Sequence[Reading]:
        """Return one cycle's readings, of two series; one field is in some of them only."""
        if self._quiet.exists():
            if not self._said_quiet:
                self._oracle.nothing_more(self._life)
                self._said_quiet = True
            return []
        self._cycle += 1
        rows = [self._row(place) for place in range(ROWS_A_CYCLE)]
        self._oracle.about_to_record(self._life, rows)
        return [Reading(MEASUREMENT, row, {"series": str(row["place"] % 2)}) for row in rows]

    async def aclose(self) -> None:
        """Nothing is held."""

    def _row(self, place: int) -> Fields:
        row: Fields = {
            "marker": secrets.token_hex(8),
            "life": self._life,
            "cycle": self._cycle,
            "place": place,
            "level": (secrets.randbelow(2_000_000) - 1_000_000) / 1000,
            "up": secrets.randbelow(2) == 1,
        }
        return {**row, "note": "ñandú"} if place == 1 else row
