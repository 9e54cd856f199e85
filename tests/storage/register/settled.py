"""Settled days, as the register's tests write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.model.truth import Interval, SlotDay, TruthState
from aldea.model.truth.slots import DAY_MS, SLOTS_A_DAY
from aldea.storage.register.settling import SettledDay, write_days
from aldea.storage.register.truth import read_slot_days

if TYPE_CHECKING:
    from aldea.storage.register import Register

DAY = 20_000
START = DAY * DAY_MS
HOUR = 3_600_000
OVER = START + DAY_MS + 3 * HOUR


def slots(letter: str, day: int = DAY, site: str = "norte") -> SlotDay:
    """Return a day of one state."""
    zeros = (0,) * SLOTS_A_DAY
    letters = letter * SLOTS_A_DAY
    return SlotDay(site, day, letters, letters, zeros, zeros, 1, OVER, {"main": 7})


def settled(letter: str, *intervals: tuple[int, int, TruthState], day: int = DAY, site: str = "norte") -> SettledDay:
    """Return a day of one state with intervals, given in hours."""
    start = day * DAY_MS
    found = tuple(Interval(site, start + low * HOUR, start + high * HOUR, state) for low, high, state in intervals)
    return SettledDay(slots(letter, day, site), found)


def keep(register: Register, item: SettledDay, now_ms: int) -> None:
    """Write a day as the settler does."""
    with register.transaction() as unit:
        held = read_slot_days(unit, [item.slots.site], item.slots.start_ms, item.slots.start_ms + 1)
        write_days(unit, [item], {(one.site, one.day): one for one in held}, now_ms)
