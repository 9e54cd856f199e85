"""Messages as an agent sends them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aldea.collector.turn import Incoming
from aldea.model.clock import ClockState, ManualClock
from aldea.model.messages import Birth, Will, encode_status
from aldea.model.sample import Row, tags_of
from aldea.model.topics import Lane, Topic
from aldea.model.wire import Anchor, Header, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.model.sample import Value

HOUR = 3_600_000


@dataclass(frozen=True)
class Sender:
    """One agent at one moment. `clock` is the truth; `anchored` says whether this boot knows it."""

    clock: ManualClock
    site: str = "norte-01"
    device: str = "agent"
    epoch: str = "0123456789abcdef"
    boot_id: str = "b0b0b0b0b0b0b0b0"
    boot_no: int = 1
    anchored: bool = True
    connection: int = 1

    def but(self, **changes: Any) -> Sender:
        """Return another agent that differs in these."""
        return replace(self, **changes)

    def topic(self, lane: Lane = Lane.LIVE) -> str:
        """Return the topic of one of its lanes."""
        return str(Topic(self.site, self.device, lane))

    def anchor(self) -> Anchor | None:
        """Return what its boot knows of the time."""
        return Anchor(self.clock.mono_ms(), self.clock.wall_ms(), 20, "ntp") if self.anchored else None

    def header(self, first: int, rows: int, **changes: Any) -> Header:
        """Return the header of a batch sent now."""
        values: dict[str, Any] = {
            "site": self.site,
            "device": self.device,
            "epoch": self.epoch,
            "first_seq": first,
            "rows": rows,
            "boot_id": self.boot_id,
            "boot_no": self.boot_no,
            "sent_mono_ms": self.clock.mono_ms(),
            "sent_wall_ms": self.clock.wall_ms(),
            "clock": ClockState.NTP if self.anchored else ClockState.UNSYNCED,
            "anchor": self.anchor(),
            **changes,
        }
        return Header(**values)

    def payload(self, rows: Sequence[Row], **changes: Any) -> bytes:
        """Return rows as a message."""
        return encode(self.header(rows[0].seq if rows else 1, len(rows), **changes), rows)

    def batch(self, first: int, last: int, lane: Lane = Lane.LIVE, **changes: Any) -> Incoming:
        """Return a message with ordinary rows of these seqs; none when `last` is below `first`."""
        return self.message(self.payload([ping(seq) for seq in range(first, last + 1)], **changes), lane)

    def birth(self, last_seq: int, first_seq: int = 1, *, retained: bool = False, **changes: Any) -> Incoming:
        """Return a birth."""
        birth = Birth(
            self.site,
            self.device,
            self.connection,
            self.epoch,
            first_seq,
            last_seq,
            self.boot_id,
            self.boot_no,
            self.clock.mono_ms(),
            self.clock.wall_ms(),
            ClockState.NTP,
            60,
            300,
            "0.1.0",
            self.anchor(),
        )
        return self.message(encode_status(replace(birth, **changes)), Lane.STATUS, retained=retained)

    def will(self, **changes: Any) -> Incoming:
        """Return what the broker says when the connection is lost."""
        will = replace(Will(self.site, self.device, self.connection, "lost"), **changes)
        return self.message(encode_status(will), Lane.STATUS)

    def message(self, payload: bytes, lane: Lane = Lane.LIVE, *, retained: bool = False) -> Incoming:
        """Return any bytes on one of its lanes, arriving now."""
        return Incoming(self.topic(lane), payload, retained, self.clock.wall_ms())


def ping(seq: int, mono_ms: int | None = None, **fields: Value) -> Row:
    """Return an ordinary row; by default row n was measured n·100 ms after boot."""
    values: dict[str, Value] = {"sent": 3, "received": 3, "rtt_avg_seconds": seq % 1000 / 1000, "method": "icmp"}
    at = seq * 100 if mono_ms is None else mono_ms
    return Row(seq, at, "ping", tags_of({"target": "gateway", "role": "gateway"}), {**values, **fields})


def row(seq: int, measurement: str, fields: dict[str, Value], mono_ms: int | None = None) -> Row:
    """Return a row of another measurement."""
    return Row(seq, seq * 100 if mono_ms is None else mono_ms, measurement, (), fields)
