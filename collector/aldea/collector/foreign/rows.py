"""Foreign readings as rows of the journal: judged by the catalogue, gathered, encoded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aldea.collector.foreign.flat import WHOLE_FROM
from aldea.collector.journal import EntryKind, NewEntry
from aldea.collector.validate import EARLIEST_MS, FUTURE_MS, Problem, mono_extent
from aldea.model.catalogue import Kind, field_of
from aldea.model.clock import ClockState
from aldea.model.columns import decode_columns
from aldea.model.sample import Row, Tags, Value
from aldea.model.topics import Lane
from aldea.model.wire import Anchor, Header, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aldea.collector.turn import Turn

MOST_ROWS = 2_000
MOST_COLUMNS = 200
MOST_CHARACTERS = 100_000

BOOT_NO = 0
ANCHOR = Anchor(0, EARLIEST_MS, 0, "server")
"""All rows of a device belong to one boot that began with 2020: its milliseconds are wall time, exactly."""


def own_time_problem(time_ms: int | None, arrival_ms: int) -> Problem | None:
    """Say what is wrong with the publisher's own time, judged by the collector's clock."""
    if time_ms is None or EARLIEST_MS <= time_ms <= arrival_ms + FUTURE_MS:
        return None
    if time_ms < EARLIEST_MS:
        return Problem("time_absurd", f"by its own time ({time_ms} ms) it was measured before 2020: is the unit right?")
    return Problem("time_future", f"by its own time it was measured {time_ms - arrival_ms} ms after it arrived")


def catalogue_problem(measurement: str, fields: Mapping[str, Value]) -> Problem | None:
    """Say which field is not what the catalogue has under that name. Fields that it does not list are not judged."""
    for name, value in fields.items():
        listed = field_of(measurement, name)
        if listed is None or value is None:
            continue
        kind = _kind(value)
        wanted = {Kind.TEXT: "text", Kind.FLAG: "flag"}.get(listed.kind, "number")
        if kind.removeprefix("large ") != wanted:
            sentence = f"{measurement}.{name} is a {kind}, expected {listed.kind.value}"
            return Problem("out_of_range", sentence)
        if isinstance(value, int | float) and wanted == "number":
            low, high = listed.minimum, listed.maximum
            if (low is not None and value < low) or (high is not None and value > high):
                return Problem("out_of_range", f"{measurement}.{name} is {value}, expected {low} to {high}")
    return None


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, str):
        return "text"
    return "large number" if abs(value or 0) >= WHOLE_FROM else "number"


_Series = tuple[str, Tags]


@dataclass(slots=True)
class BatchInMaking:
    """Rows that can stand in one batch: a column has one kind of value, whoever published it."""

    rows: list[tuple[int, _Series, Mapping[str, Value]]] = field(default_factory=list)
    arrival_ms: int = 0
    _kinds: dict[_Series, dict[str, str]] = field(default_factory=dict)
    _characters: int = 0

    def has_room(self, series: _Series, fields: Mapping[str, Value]) -> bool:
        """Say whether a reading fits in."""
        known = self._kinds.get(series, {})
        return (
            len(self.rows) < MOST_ROWS
            and self._characters < MOST_CHARACTERS
            and len(known.keys() | fields.keys()) <= MOST_COLUMNS
            and all(known.get(name, kind) == kind for name, kind in _kinds_of(fields))
        )

    def add(self, at_ms: int, arrival_ms: int, series: _Series, fields: Mapping[str, Value]) -> None:
        """Put a reading in."""
        self.rows.append((at_ms, series, fields))
        self.arrival_ms = max(self.arrival_ms, arrival_ms)
        self._kinds.setdefault(series, {}).update(_kinds_of(fields))
        self._characters += sum(len(name) + len(str(value)) for name, value in fields.items())
        self._characters += sum(len(name) + len(text) for name, text in series[1])


def _kinds_of(fields: Mapping[str, Value]) -> list[tuple[str, str]]:
    return [(name, _kind(value)) for name, value in fields.items()]


def write_batch(turn: Turn, owner: tuple[str, str], epoch: str, making: BatchInMaking) -> None:
    """Write a batch behind what the epoch has. Raises ValueError when it can't be written, or not be read again.

    It goes as `bulk`: the site was alive at the times its rows tell of, not when the broker brought them.
    """
    site, device = owner
    stream = turn.state.streams.get(site, device, epoch)
    boot_id = hashlib.sha256(f"boot {epoch}".encode()).hexdigest()[:16]
    boot = turn.state.boots.get(site, device, boot_id, BOOT_NO, ANCHOR, stream.id)
    first = stream.highest + 1
    rows = [
        Row(first + index, at - ANCHOR.offset_ms, measurement, tags, fields)
        for index, (at, (measurement, tags), fields) in enumerate(making.rows)
    ]
    arrival = making.arrival_ms
    header = Header(
        site,
        device,
        epoch,
        first,
        len(rows),
        boot_id,
        BOOT_NO,
        arrival - ANCHOR.offset_ms,
        arrival,
        ClockState.RTC,
        ANCHOR,
    )
    payload = encode(header, rows)
    batch = decode_columns(payload)
    low, high = mono_extent(batch)
    last = header.last_seq
    lane = Lane.BULK.value
    turn.append(
        NewEntry(EntryKind.BATCH, site, device, lane, arrival, payload, stream.id, boot.id, first, last, low, high),
        batch,
    )
    turn.state.boots.extend(boot.id, low, high)
    stream.stored.add(first, last)
    turn.touched[site, device, epoch] = stream
    turn.counts["rows_stored"] += len(rows)
    turn.counts["foreign_rows"] += len(rows)
