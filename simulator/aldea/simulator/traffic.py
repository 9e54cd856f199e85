"""How a village's link and box behave, slot by slot: usage through the day, latency, loss, temperature.

Everything is drawn by place (see `noise`), so the value in a slot is the same however the slot is reached.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aldea.model.columns import Bools, Floats, Ints
from aldea.simulator.fleet import SimulatedSite
from aldea.simulator.noise import bell, key_of, one, uniform, waiting
from aldea.simulator.plan import DAY_MS, HOUR_MS, SLOT_MS, SLOTS_AN_HOUR
from aldea.simulator.stories import LINK_DOWN, Span, Truth
from aldea.simulator.zones import to_local_ms

_HOURS = np.arange(25, dtype=np.float64)
_WEEKDAY = np.array([3, 2, 1.5, 1, 1, 2, 6, 14, 26, 38, 44, 46, 44, 40, 42, 50, 62, 76, 92, 100, 94, 70, 34, 12, 3])
_WEEKEND = np.array([5, 3, 2, 1.5, 1, 1.5, 3, 8, 18, 32, 46, 56, 60, 58, 56, 58, 66, 78, 90, 96, 90, 70, 40, 16, 5])

_BASE_RTT = {"geo": 0.598, "leo": 0.046, "terrestrial": 0.028}
_EVENING_RTT = {"geo": 0.16, "leo": 0.035, "terrestrial": 0.05}
_FREE_RUNNING_BYTES = 6_000
"""What the box itself sends and receives in a slot when nobody uses the link."""


@dataclass(frozen=True, slots=True, eq=False)
class Slots:
    """Rounds of one boot: their numbers, times (milliseconds since 1970 and local), and the truth at each."""

    numbers: Ints
    times_ms: Ints
    local_ms: Ints
    truth: Ints

    def where(self, *truths: Truth) -> Bools:
        """Say in which slots one of `truths` holds."""
        found: Bools = np.isin(self.truth, [_ORDER[truth] for truth in truths])
        return found


_ORDER = {truth: number for number, truth in enumerate(Truth)}


def rhythm(local_ms: Ints) -> Floats:
    """Return how busy people are at local times, 0 to 1."""
    hour = (local_ms % DAY_MS) / HOUR_MS
    weekend = (local_ms // DAY_MS + 3) % 7 >= 5
    shape: Floats = np.where(weekend, np.interp(hour, _HOURS, _WEEKEND), np.interp(hour, _HOURS, _WEEKDAY)) / 100
    return shape


def slots_at(site: SimulatedSite, zero_ms: int, first: int, end: int, spans: list[Span]) -> Slots:
    """Return the slots from `first` up to before `end`; `spans` must cover them."""
    numbers = np.arange(first, end, dtype=np.int64)
    times = zero_ms + numbers * SLOT_MS
    starts = np.array([span.start_ms for span in spans], dtype=np.int64)
    kinds = np.array([_ORDER[span.truth] for span in spans], dtype=np.int64)
    truth: Ints = kinds[np.searchsorted(starts, times, side="right") - 1]
    return Slots(numbers, times, to_local_ms(site.timezone, times), truth)


@dataclass(frozen=True, slots=True, eq=False)
class Bytes:
    """What passed in each slot."""

    received: Ints
    sent: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Echoes:
    """Three pings a slot: how many came back, and their times in seconds (meaningless where none did)."""

    received: Ints
    shortest: Floats
    mean: Floats
    longest: Floats


class Link:
    """One village's link and box."""

    def __init__(self, site: SimulatedSite, seed: int) -> None:
        self._site = site
        self._key = key_of("link", seed, site.id)
        self._busy = 0.35 + 1.3 * one(self._key, 0, 0) ** 2
        self.unused = site.story == "idle" or (site.story == "steady" and one(self._key, 1000, 5) < 0.12)
        if self.unused:
            self._busy *= 0.02
        self._rtt = _BASE_RTT[site.technology] * (1 + 0.06 * one(self._key, 0, 1))

    def load(self, slots: Slots) -> Floats:
        """Return how busy the link is, 0 to about 1.3: by the local hour and weekday, and the day's luck."""
        result: Floats = rhythm(slots.local_ms) * self.luck(slots.local_ms // DAY_MS)
        return result

    def luck(self, days: Ints) -> Floats:
        """Return how much more or less than usual happens on each local day (numbered since 1970)."""
        result: Floats = np.clip(1 + 0.18 * bell(uniform(self._key, 1, days)), 0.4, 1.6)
        return result

    def visitors(self, days: Ints) -> Floats:
        """Return how many different devices come on each local day with power all day; few where it is unused."""
        draw = uniform(self._key, 50, days)
        if self.unused:
            few: Floats = np.floor(draw * (2 if self._site.story == "idle" else 3))
            return few
        many: Floats = np.rint((5 + 20 * self._busy) * self.luck(days) * (0.7 + 0.6 * draw))
        return many

    def bytes(self, slots: Slots, load: Floats) -> Bytes:
        """Return what users and box move: about 100 MB in the busiest slot, little while the link is down."""
        burst = np.exp(0.45 * bell(uniform(self._key, 2, slots.numbers)))
        used = load * burst * self._busy * 75e6
        if self._site.story == "idle":
            used = used * 0
        used = used * np.where(slots.where(Truth.DEGRADED), 0.3, 1.0)
        used = used * ~slots.where(*LINK_DOWN)
        upward = 0.06 + 0.07 * uniform(self._key, 3, slots.numbers)
        own = _FREE_RUNNING_BYTES * (0.8 + 0.4 * uniform(self._key, 4, slots.numbers))
        return Bytes((used + own).astype(np.int64), (used * upward + own * 0.9).astype(np.int64))

    def loss_chance(self, slots: Slots, load: Floats) -> Floats:
        """Return the chance of each ping to be lost: small, more when busy, high in bursts and bad evenings."""
        burst = uniform(self._key, 5, slots.numbers // SLOTS_AN_HOUR) < 0.012
        chance = 0.003 + 0.02 * np.clip(load, 0, 1) ** 4 + 0.2 * burst + 0.24 * slots.where(Truth.DEGRADED)
        result: Floats = np.where(slots.where(*LINK_DOWN), 1.0, chance)
        return result

    def anchor(self, slots: Slots, load: Floats) -> Echoes:
        """Return three pings to the anchor beyond the satellite."""
        kept = 1 - self.loss_chance(slots, load)
        draw = uniform(self._key, 6, slots.numbers)
        received = (
            (draw < kept**3).astype(np.int64)
            + (draw < kept**3 + 3 * kept**2 * (1 - kept))
            + (draw < 1 - (1 - kept) ** 3)
        )
        return self._times(slots, received, self.far_seconds(slots, load))

    def far_seconds(self, slots: Slots, load: Floats) -> Floats:
        """Return the least time to the other side and back: the way, and the queue of a busy evening."""
        queue = _EVENING_RTT[self._site.technology] * np.clip(load, 0, 1.3) ** 3
        result: Floats = self._rtt + queue + 0.7 * slots.where(Truth.DEGRADED) * uniform(self._key, 7, slots.numbers)
        return result

    def gateway(self, slots: Slots) -> Echoes:
        """Return three pings to the site's own gateway, which answers as long as the box has power."""
        base = np.full(len(slots.numbers), 0.0006 + 0.002 * one(self._key, 0, 2))
        return self._times(slots, np.full(len(base), 3, np.int64), base, stream=30)

    def _times(self, slots: Slots, received: Ints, base: Floats, stream: int = 8) -> Echoes:
        shortest = base * (1 + 0.02 * waiting(uniform(self._key, stream, slots.numbers)))
        spread = base * 0.05 * waiting(uniform(self._key, stream + 1, slots.numbers)) * (received > 1)
        return Echoes(received, shortest, shortest + spread / 2, shortest + spread)

    def draw(self, stream: int, slots: Slots) -> Floats:
        """Return numbers in (0, 1) for other purposes; streams from 40 on are free."""
        return uniform(self._key, stream, slots.numbers)

    def constant(self, number: int) -> float:
        """Return one of the site's own numbers in (0, 1)."""
        return one(self._key, 1000, number)
