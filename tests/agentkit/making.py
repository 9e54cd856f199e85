"""Outboxes and moments with the values that tests seldom care about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.agents.outbox import Limits, Machine, Outbox
from aldea.agents.uplink import Identity, Moment
from aldea.model.clock import ClockState, ManualClock
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aldea.model.sample import Row

BOOT = "b0" * 16
OTHER_BOOT = "b1" * 16
SERVER_AHEAD_MS = 1_700_000_000_000
"""The server's time is the agent's milliseconds since boot and this."""

IDENTITY = Identity("village", "agent", "0.1", sample_seconds=60, send_seconds=300, sees={"clients": False})


def make_outbox(
    folder: Path,
    boot: str = BOOT,
    mono_ms: int = 1_000,
    limits: Limits | None = None,
    hardware: str = "hardware",
) -> Outbox:
    """An outbox of this test's machine."""
    return Outbox(folder, Machine(hardware, boot, "0.1"), mono_ms, limits)


def ping(sent: int = 3, **fields: float | str | bool | None) -> Reading:
    """A reading."""
    return Reading("ping", {"sent": sent, **fields}, {"target": "192.0.2.1", "role": "anchor"})


def held_rows(outbox: Outbox) -> list[Row]:
    """Every waiting row, oldest first, whatever its epoch."""
    rows: list[Row] = []
    while (held := outbox.next_bulk(100_000, 2**60, {})) is not None:
        rows += held.rows
        outbox.acknowledge(held.epoch, [(held.first_seq, held.last_seq)])
    return rows


def seqs(rows: Sequence[Row]) -> list[int]:
    """Their seqs."""
    return [row.seq for row in rows]


def moment(clock: ManualClock, state: ClockState = ClockState.UNSYNCED) -> Moment:
    """Now, by a clock that the test moves."""
    return Moment(clock.mono_ms(), clock.wall_ms(), state)
