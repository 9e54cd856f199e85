"""A site's day as 288 slots: the evidence that is kept for ever, and its compact form."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aldea.model.truth.states import Code

SLOT_MS = 5 * 60 * 1000
SLOTS_A_DAY = 288
DAY_MS = SLOTS_A_DAY * SLOT_MS
MOST = 65_535
_VERSION = b"\x01"


@dataclass(frozen=True, slots=True)
class SlotDay:
    """One UTC day of one site.

    `day` counts days since 1970. `observed` is what the agent's evidence says, a letter of `Code` a slot;
    `codes` is the verdict, with the register's say (commissioned, closed, maintenance) and ours (outages)
    on top. `sent` and `received` count the packets to the anchor that answered best. `positions`: how far
    each collector's feed had been followed. `revision` grows when a day that was over has changed.
    """

    site: str
    day: int
    observed: str
    codes: str
    sent: Sequence[int]
    received: Sequence[int]
    revision: int = 1
    computed_ms: int = 0
    positions: Mapping[str, int] = field(default_factory=dict)

    @property
    def start_ms(self) -> int:
        """The day's first millisecond."""
        return self.day * DAY_MS

    def body(self) -> bytes:
        """Return the slots in their stored form, some hundred bytes."""
        numbers = array("H", [min(value, MOST) for value in (*self.sent, *self.received)])
        if sys.byteorder == "big":
            numbers.byteswap()
        return _VERSION + zlib.compress((self.observed + self.codes).encode("ascii") + numbers.tobytes(), 6)


def slots_from_body(body: bytes) -> tuple[str, str, tuple[int, ...], tuple[int, ...]]:
    """Return (observed, codes, sent, received) of a stored body. Raises ValueError for what is none."""
    if body[:1] != _VERSION:
        raise ValueError(f"slots are stored in form {body[:1]!r}, which this version does not read")
    raw = zlib.decompress(body[1:])
    numbers = array("H")
    numbers.frombytes(raw[2 * SLOTS_A_DAY :])
    if sys.byteorder == "big":
        numbers.byteswap()
    if len(numbers) != 2 * SLOTS_A_DAY:
        raise ValueError("stored slots do not fill a day")
    letters = raw[: 2 * SLOTS_A_DAY].decode("ascii")
    return (
        letters[:SLOTS_A_DAY],
        letters[SLOTS_A_DAY:],
        tuple(numbers[:SLOTS_A_DAY]),
        tuple(numbers[SLOTS_A_DAY:]),
    )


def empty_day(site: str, day: int) -> SlotDay:
    """Return a day of which nothing has been judged yet."""
    zeros = (0,) * SLOTS_A_DAY
    blank = Code.LATER * SLOTS_A_DAY
    return SlotDay(site, day, blank, blank, zeros, zeros)
