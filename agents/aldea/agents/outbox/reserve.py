"""The reserve: a small file made beforehand, so that a full disk can still be written about.

It has two slots that are written in turn, each with a checksum and a generation: a write that the power cut
spoils leaves the one before it. Overwriting a file in place needs no room.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import zlib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from aldea.agents.outbox.records import Stopped

_SLOT = 4096
_MOST_SPANS = 16
_LOG = logging.getLogger(__name__)

ENDINGS = {"stopped": Stopped.ALONE, "shut_down": Stopped.WITH_THE_MACHINE}
"""How a start ended that never opened its outbox, as far as it could say so itself."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, in milliseconds since that boot, how many rows could not be stored.

    `count` is zero where the agent could not even open its outbox, and so measured nothing. `reason` is a word of
    `OutboxUnavailable`; a span of no length whose reason is a word of `ENDINGS` says how such a start ended.
    """

    boot_id: str
    from_mono_ms: int
    to_mono_ms: int
    count: int
    reason: str


class Reserve:
    """What could not be recorded, until it can be told. `found` is what was in the file at first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.generation, self.spans = read_spans(path)
        self.found_generation, self.found = self.generation, self.spans
        self._preallocate()

    def note(self, span: Span) -> None:
        """Remember `span`, joined with the one before where both are one silence. Never raises."""
        spans = list(self.spans)
        if spans and (_joins(spans[-1], span) or len(spans) >= _MOST_SPANS):
            last = spans.pop()
            first_ms = last.from_mono_ms if last.boot_id == span.boot_id else span.from_mono_ms
            span = replace(span, from_mono_ms=first_ms, count=last.count + span.count)
        self.spans = (*spans, span)
        self._write()

    def clear(self) -> None:
        """Forget what has been told."""
        self.spans = ()
        self._write()

    def go_on_after(self, told: int) -> None:
        """Count on from the generation that was `told` last, so that what is noted from now on is told as well.

        What was found with that very number has been told. A lower one is that of a file made anew, since the one
        before was lost or is of another version: nothing in it has been told.
        """
        if self.found_generation == told:
            self.spans = tuple(span for span in self.spans if span not in self.found)
        if self.generation <= told:
            self.generation = told
            if self.spans:
                self._write()

    def _preallocate(self) -> None:
        try:
            if self._path.exists() and self._path.stat().st_size >= 2 * _SLOT:
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Random bytes: some file systems keep no room for zeros.
            self._path.write_bytes(os.urandom(2 * _SLOT))
        except OSError as error:
            _LOG.warning("%s cannot be prepared: %s", self._path, error.strerror)

    def _write(self) -> None:
        with suppress(OSError):  # a card that is worn out may not even say whether a file is there
            if not self._path.exists():
                self._preallocate()  # the folder itself may have been missing at the start
        self.generation += 1
        body = json.dumps(
            [self.generation, [[s.boot_id, s.from_mono_ms, s.to_mono_ms, s.count, s.reason] for s in self.spans]]
        ).encode()
        packed = zlib.crc32(body).to_bytes(4, "big") + len(body).to_bytes(4, "big") + body
        try:
            with self._path.open("r+b") as file:
                file.seek(self.generation % 2 * _SLOT)
                file.write(packed.ljust(_SLOT, b"\0"))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            # Kept in memory all the same: it is told once there is room, unless we are killed before.
            level = logging.DEBUG if error.errno == errno.ENOSPC else logging.WARNING
            _LOG.log(level, "%s cannot be written: %s", self._path, error.strerror)


def read_spans(path: Path) -> tuple[int, tuple[Span, ...]]:
    """Return (generation, spans) that a reserve's file holds; (0, ()) where there is none that can be read."""
    try:
        content = path.read_bytes()
    except OSError:
        return 0, ()
    return max((_parse_slot(content[start : start + _SLOT]) for start in (0, _SLOT)), key=lambda slot: slot[0])


def _joins(before: Span, after: Span) -> bool:
    alike = before.boot_id == after.boot_id and before.reason == after.reason
    return alike and (before.count == 0) == (after.count == 0)


def _parse_slot(slot: bytes) -> tuple[int, tuple[Span, ...]]:
    """Return (generation, spans) of a slot; (0, ()) when it was never written, or spoilt, or of another version."""
    body = slot[8 : 8 + int.from_bytes(slot[4:8], "big")]
    if not body or zlib.crc32(body) != int.from_bytes(slot[:4], "big"):
        return 0, ()
    try:
        generation, spans = json.loads(body)
        return int(generation), tuple(Span(*span) for span in spans)
    except (ValueError, TypeError):
        return 0, ()
