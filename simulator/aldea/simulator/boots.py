"""Boots of a village's box: when each began and ended, and which seqs its rows have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aldea.simulator.noise import hex_of
from aldea.simulator.plan import SLOT_MS, SLOTS_AN_HOUR
from aldea.simulator.stories import BOX_OFF, Span, Truth

START_UP_MS = 60_000
"""From power to the first round of probes."""

BOOT_ROW_MS = 30_000
"""From power to the row that tells of the boot."""

ROUND_MS = 1_000
"""How long a round of probes takes; its rows are stored together, at its end."""

EACH_ROUND = 2
EACH_HOUR = 5


@dataclass(frozen=True, slots=True)
class Boot:
    """One life of a box between two losses of power.

    `end_ms` is None while it lasts. Its first row, `first_seq`, tells of the boot; rounds of probes follow in the
    slots `first_slot` up to before `end_slot`, at `slot_zero_ms + slot * SLOT_MS`.
    """

    number: int
    id: str
    previous_id: str | None
    clean: bool
    start_ms: int
    end_ms: int | None
    first_seq: int
    slot_zero_ms: int
    first_slot: int
    end_slot: int
    hour_slot: int

    @property
    def rows(self) -> int:
        """How many rows it has: none when it was too short to store even the first."""
        if self.end_slot < self.first_slot:
            return 0
        rounds = self.end_slot - self.first_slot
        hours = _multiples(self.end_slot - self.hour_slot) - _multiples(self.first_slot - self.hour_slot)
        return 1 + EACH_ROUND * rounds + EACH_HOUR * hours

    @property
    def last_seq(self) -> int:
        """The seq of its last row; `first_seq - 1` without any."""
        return self.first_seq + self.rows - 1


def _multiples(slot: int) -> int:
    """How many multiples of an hour's slots lie before `slot`, counted from a fixed place."""
    return -(-slot // SLOTS_AN_HOUR)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a site's rounds fall: `slot_zero_ms` is slot 0, and each twelfth from `hour_slot` has the hourly probes."""

    slot_zero_ms: int
    hour_slot: int


def boots_of(identity: Sequence[object], rhythm: Rhythm, spans: Sequence[Span]) -> list[Boot]:
    """Return the boots within `spans` (which lie without gaps), with the rows they have by the spans' end."""
    found: list[Boot] = []
    until_ms = spans[-1].end_ms if spans else 0
    for start, end, clean in _lives(spans):
        number = len(found) + 1
        boot_id = hex_of("boot", *identity, number, digits=32)
        rows_until = until_ms if end is None else end
        first_slot, end_slot = _slots(rhythm, start, rows_until)
        found.append(
            Boot(
                number=number,
                id=boot_id,
                previous_id=found[-1].id if found else None,
                clean=clean,
                start_ms=start,
                end_ms=end,
                first_seq=found[-1].last_seq + 1 if found else 1,
                slot_zero_ms=rhythm.slot_zero_ms,
                first_slot=first_slot,
                end_slot=end_slot,
                hour_slot=rhythm.hour_slot,
            )
        )
    return found


def _lives(spans: Sequence[Span]) -> list[tuple[int, int | None, bool]]:
    """Return (start, end, whether the stop before was in order) of each stretch with power."""
    lives: list[tuple[int, int | None, bool]] = []
    start: int | None = None
    before: set[Truth] = set()
    for span in spans:
        if span.truth in BOX_OFF:
            if start is not None:
                lives.append((start, span.start_ms, before <= {Truth.RESTART}))
                start, before = None, set()
            before.add(span.truth)
        elif start is None:
            start = span.start_ms
    if start is not None:
        lives.append((start, None, before <= {Truth.RESTART}))
    return lives


def _slots(rhythm: Rhythm, start_ms: int, until_ms: int) -> tuple[int, int]:
    """Return the first slot after starting up, and the one behind the last whose round is stored by `until_ms`.

    The second is below the first when not even the boot's own row is stored by then.
    """
    first = -((rhythm.slot_zero_ms - start_ms - START_UP_MS) // SLOT_MS)
    if until_ms < start_ms + BOOT_ROW_MS:
        return first, first - 1
    return first, max((until_ms - ROUND_MS - rhythm.slot_zero_ms) // SLOT_MS + 1, first)
