"""The site's day in six slots of four hours, and which part of each lies in the peak hours."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

SLOT_HOURS = 4
SLOTS_A_DAY = 24 // SLOT_HOURS
MINUTE_MS = 60_000
_LEAST_PEAK_MS = 30 * MINUTE_MS
PeakHours = tuple[tuple[int, int], ...]
"""Windows of the local day in minutes since midnight, [from, to)."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Four hours of a local day. `peak` is the longest part of it in the peak hours, if that is half an hour."""

    day: date
    index: int
    start_ms: int
    end_ms: int
    peak: tuple[int, int] | None

    @property
    def key(self) -> str:
        """What the slot is called in the ledger."""
        return f"{self.day.isoformat()}/{self.index}"


@dataclass(frozen=True, slots=True)
class Day:
    """A local day of a month: its slots, and how many days the month still has with it."""

    month: str
    slots: tuple[Slot, ...]
    days_left: int
    month_start_ms: int
    month_end_ms: int


class SiteCalendar:
    """Cuts time in the site's zone, and remembers the day it was asked for last."""

    def __init__(self, zone: tzinfo | None, peak: PeakHours) -> None:
        self._zone = zone
        self._peak = peak
        self._day: Day | None = None

    def day_of(self, wall_ms: int) -> Day:
        """Return the local day of a moment, with its slots."""
        known = self._day
        if known is None or not known.slots[0].start_ms <= wall_ms < known.slots[-1].end_ms:
            known = self._day = self._made(datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone(self._zone).date())
        return known

    def is_peak(self, wall_ms: int) -> bool:
        """Say whether a moment lies in the peak hours."""
        local = datetime.fromtimestamp(wall_ms / 1000, UTC).astimezone(self._zone)
        minute = local.hour * 60 + local.minute
        return any(first <= minute < last for first, last in self._peak)

    def _made(self, day: date) -> Day:
        first = day.replace(day=1)
        following = (first + timedelta(days=32)).replace(day=1)
        return Day(
            month=f"{day.year:04d}{day.month:02d}",
            slots=tuple(self._slot(day, index) for index in range(SLOTS_A_DAY)),
            days_left=(following - day).days,
            month_start_ms=self._local_ms(first, 0),
            month_end_ms=self._local_ms(following, 0),
        )

    def _slot(self, day: date, index: int) -> Slot:
        first, last = index * SLOT_HOURS * 60, (index + 1) * SLOT_HOURS * 60
        parts = []
        for opens, closes in self._peak:
            start, end = self._local_ms(day, max(first, opens)), self._local_ms(day, min(last, closes))
            if end - start >= _LEAST_PEAK_MS:
                parts.append((start, end))
        longest = max(parts, key=lambda part: part[1] - part[0], default=None)
        return Slot(day, index, self._local_ms(day, first), self._local_ms(day, last), longest)

    def _local_ms(self, day: date, minute: int) -> int:
        """Return the moment of a local time; an hour that is skipped or repeated makes a slot shorter or longer."""
        local = datetime.combine(day + timedelta(minute // 1440), time(minute // 60 % 24, minute % 60))
        aware = local.astimezone() if self._zone is None else local.replace(tzinfo=self._zone)
        return round(aware.timestamp()) * 1000


def share_of(*words: object) -> float:
    """Return a number of [0, 1) that belongs to these words for ever: the same after a restart."""
    text = "/".join(map(str, words)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest()) / 2**48


def main_slots(slots: Sequence[Slot], needed: int, salt: str) -> frozenset[int]:
    """Return which of a day's peak slots get the day's main tests: `needed` of them, drawn by lot."""
    at_peak = [slot for slot in slots if slot.peak is not None]
    if len(at_peak) > needed:
        at_peak.sort(key=lambda slot: share_of(salt, "main", slot.key))
    return frozenset(slot.index for slot in at_peak[:needed])


def days_need(tests: int, days_left: int, at_most: int) -> int:
    """Return how many main tests a day must have so that `tests` more come about in `days_left` days; at least one.

    Rounded, not up: a first shortfall is made up towards the month's end, not at once by twice the tests.
    """
    return max(1, min(at_most, math.floor(tests / max(1, days_left) + 0.5)))
