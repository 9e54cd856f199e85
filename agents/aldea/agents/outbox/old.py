"""Another outbox's file, read only: what it holds, as far as it can be read.

It is read from a copy, since its medium may be read-only or dying, and since a log beside it has to be joined to it
first. The original is never written to.
"""

from __future__ import annotations

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aldea.agents.outbox.database import NAME
from aldea.agents.outbox.errors import is_damage
from aldea.agents.outbox.formats import READABLE_FORMATS
from aldea.agents.outbox.reserve import Span, read_spans
from aldea.agents.page.words import Unable, say
from aldea.model.intervals import Range

RESERVE = "outbox.reserve"
WINDOW = 2_000
"""So many seqs are looked at together."""

_MOST_SEQS = 2**30
"""No box gives more in an epoch: a number above it is spoilt, and to look at all of them would never end."""
_BLOCK = 4_096
_EPOCH = re.compile(r"[0-9a-f]{16}")
_PLACES = ("", "var/lib/aldea-agent", "lib/aldea-agent", "aldea-agent", "data")
_LOG = logging.getLogger(__name__)


class CannotRead(Unable):
    """Nothing can be taken from this file; `words` say why."""


@dataclass(frozen=True, slots=True)
class OldRow:
    """A row as the file has it; `series` and `content` are JSON."""

    seq: int
    boot_no: int
    mono_ms: int
    series: str
    content: str


@dataclass(frozen=True, slots=True)
class OldEpoch:
    """An epoch of the file, by its number there; `last_seq` is the last seq it has given."""

    id: int
    name: str
    last_seq: int


@dataclass(frozen=True, slots=True)
class OldBoot:
    """A boot as the file has it; `anchor` is JSON, None while it never knew the time."""

    boot_id: str
    anchor: str | None


def find_files(given: Path) -> list[Path]:
    """Return the outboxes in a folder, in the places below it where an agent keeps its data, or the file itself.

    Files that an agent had put aside come after its own.
    """
    if given.is_file():
        return [given]
    for place in _PLACES:
        folder = given / place
        aside = sorted(path for path in folder.glob("outbox.*.sqlite") if path.is_file())
        found = [path for path in (folder / NAME, *aside) if path.is_file()]
        if found:
            return found
    return []


def copy_file(source: Path, target: Path) -> int:
    """Copy `source` and the log beside it; return how many blocks could not be read, which become zeros.

    Raises OSError when the copy cannot be written, or nothing of `source` can be opened.
    """
    bad = _copy(source, target)
    log = Path(f"{source}-wal")
    if log.is_file():
        bad += _copy(log, Path(f"{target}-wal"))
    return bad


def _copy(source: Path, target: Path) -> int:
    bad = 0
    with source.open("rb", buffering=0) as old, target.open("wb") as new:
        size = os.fstat(old.fileno()).st_size
        for offset in range(0, size, _BLOCK):
            length = min(_BLOCK, size - offset)
            try:
                block = os.pread(old.fileno(), length, offset)
            except OSError as error:
                _LOG.debug("%s cannot be read at %d: %s", source, offset, error.strerror)
                bad, block = bad + 1, b""
            new.write(block.ljust(length, b"\0"))
    return bad


class OldOutbox:
    """A copy of another outbox's file, opened. Raises CannotRead when nothing can be taken from it."""

    def __init__(self, path: Path, reserve: Path | None = None) -> None:
        self.spans: tuple[Span, ...] = ()
        self.reserve_generation = 0
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            self._read_frame()
            if reserve is not None:
                self._read_reserve(reserve)
        except sqlite3.Error as error:
            self.close()
            raise CannotRead(say("it cannot be read as an outbox (%(error)s)", error=error)) from error
        except CannotRead:
            self.close()
            raise

    def close(self) -> None:
        """Close the copy."""
        with suppress(sqlite3.Error):
            self._db.close()

    def _read_frame(self) -> None:
        meta = dict(self._db.execute("SELECT name, value FROM meta").fetchall())
        if meta.get("schema") not in READABLE_FORMATS:
            known = ", ".join(map(str, READABLE_FORMATS))
            raise CannotRead(
                say(
                    "its form is %(form)s, and this version of the agent knows %(known)s",
                    form=meta.get("schema"),
                    known=known,
                )
            )
        self.owner = str(meta["owner"]) if meta.get("owner") else None
        self.last_mono_ms = _number(meta.get("last_mono_ms"))
        self._reserve_told = _number(meta.get("reserve_told"))
        self.epochs = tuple(self._read_epochs())
        if not self.epochs:
            raise CannotRead(say("it is not a whole outbox"))
        self.boots: dict[int, OldBoot] = {}
        with suppress(sqlite3.DatabaseError):  # without them rows are still worth having: the server places them
            for number, boot_id, anchor in self._db.execute("SELECT number, boot_id, anchor FROM boot"):
                self.boots[int(number)] = OldBoot(str(boot_id), None if anchor is None else str(anchor))

    def _read_epochs(self) -> Iterator[OldEpoch]:
        """Yield the newest first: when there is no room for all, the oldest are given up."""
        for number, name, last_seq in self._db.execute(
            "SELECT id, name, last_seq FROM epoch ORDER BY id DESC"
        ).fetchall():
            if _EPOCH.fullmatch(str(name)):
                told = _number(last_seq)
                held = self._last_held(int(number))
                yield OldEpoch(int(number), str(name), max(told, held) if told <= _MOST_SEQS else held)

    def _last_held(self, epoch_id: int) -> int:
        """Return the last seq that can be found of an epoch, whose own word may be spoilt."""
        try:
            found = self._db.execute(
                "SELECT max(seq) FROM waiting WHERE epoch_id = ? AND seq <= ?", (epoch_id, _MOST_SEQS)
            ).fetchone()
        except sqlite3.DatabaseError:
            return 0
        return _number(found[0])

    def _read_reserve(self, path: Path) -> None:
        generation, spans = read_spans(path)
        if generation > self._reserve_told:
            self.reserve_generation, self.spans = generation, spans

    def windows(self, epoch: OldEpoch) -> Iterator[Range]:
        """Yield the ranges of seqs to look at, the newest first."""
        for last in range(epoch.last_seq, 0, -WINDOW):
            yield max(1, last - WINDOW + 1), last

    def read(self, epoch: OldEpoch, first: int, last: int) -> tuple[list[OldRow], list[Range]]:
        """Return the rows from `first` to `last`, and the seqs at which the file cannot be read."""
        try:
            found = self._db.execute(
                "SELECT w.seq, w.boot_no, w.mono_ms, s.content, w.content FROM waiting w "
                "LEFT JOIN series s ON s.id = w.series_id WHERE w.epoch_id = ? AND w.seq BETWEEN ? AND ? "
                "ORDER BY w.seq",
                (epoch.id, first, last),
            ).fetchall()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return self._read_halves(epoch, first, last)
        sound = [OldRow(int(row[0]), int(row[1]), int(row[2]), row[3], row[4]) for row in found if _is_whole(row)]
        return sound, [(int(row[0]), int(row[0])) for row in found if not _is_whole(row)]

    def _read_halves(self, epoch: OldEpoch, first: int, last: int) -> tuple[list[OldRow], list[Range]]:
        if first == last:
            return [], [(first, first)]
        middle = (first + last) // 2
        low, low_bad = self.read(epoch, first, middle)
        high, high_bad = self.read(epoch, middle + 1, last)
        return low + high, low_bad + high_bad

    def dead_letters(self) -> list[tuple[object, ...]]:
        """Return what the server had refused, oldest first, as it stands in the table."""
        try:
            return self._db.execute(
                "SELECT epoch, seq, boot_no, mono_ms, series, content, reason FROM dead_letter ORDER BY id"
            ).fetchall()
        except sqlite3.DatabaseError:
            return []


def _number(value: object) -> int:
    """Return a number that the file remembers; 0 for none, and for one that is spoilt."""
    return value if isinstance(value, int) else 0


def _is_whole(row: tuple[object, ...]) -> bool:
    return all(isinstance(number, int) for number in row[:3]) and isinstance(row[3], str) and isinstance(row[4], str)
