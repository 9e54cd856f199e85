"""The register's say and our own: what was commissioned, closed or planned, and when our collectors were away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aldea.model.truth.observing import DEFAULT_RULES, Rules
from aldea.model.truth.slots import SLOT_MS, SLOTS_A_DAY
from aldea.model.truth.states import DOWN_CODES, MEANINGS, PLANNED_OF, WITHOUT_ROWS, Code, TruthState

Span = tuple[int, int]
"""Milliseconds since 1970, the end excluded."""

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window that applies to the site. Only one that was announced in time and approved counts."""

    id: str
    from_ms: int
    to_ms: int
    announced_ms: int
    approved: bool

    def counts(self, rules: Rules) -> bool:
        """Say whether downtime within it may be called planned."""
        return self.approved and self.announced_ms <= self.from_ms - rules.announced_before_ms

    def covers(self, at_ms: int) -> bool:
        """Say whether `at_ms` lies in the window."""
        return self.from_ms <= at_ms < self.to_ms


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What is registered of a site and matters to its truth.

    `commissioned`: when service is expected, in order. `opening_hours`: dated values of that fact, as
    ((from, to), weekday → [[HH:MM, HH:MM]]). `off_when_closed`: when the site is switched off outside them.
    """

    timezone: str
    commissioned: Sequence[Span] = ()
    opening_hours: Sequence[tuple[Span, Mapping[str, Any]]] = ()
    off_when_closed: Sequence[Span] = ()
    windows: Sequence[Window] = ()
    outages: Sequence[Span] = field(default=())


def overlay(
    observed: str,
    after: str,
    day: int,
    site: SiteRules,
    spent: Mapping[str, int],
    rules: Rules = DEFAULT_RULES,
) -> str:
    """Return the verdict on a day's slots.

    `observed` has a letter for each slot, `after` those of the hour that follows. `spent` says how many slots
    of each local month (`month_of`) earlier maintenance has used up already. Up stays up within a window;
    without evidence a slot stays unknown there too.
    """
    start = day * SLOTS_A_DAY
    off = _off_slots(observed + after, start, site, rules)
    letters = list(observed)
    for index, letter in enumerate(observed):
        at_ms = (start + index) * SLOT_MS
        if letter == Code.LATER:
            continue
        if not _within(at_ms, site.commissioned):
            letters[index] = Code.OUTSIDE
        elif index in off:
            letters[index] = Code.OFF
        elif MEANINGS[letter].state is TruthState.UNKNOWN and _within(at_ms, site.outages):
            letters[index] = Code.PLATFORM
    _plan(letters, start, site, spent, rules)
    return "".join(letters)


def month_of(slot: int, timezone: str) -> str:
    """Return the local month of a slot (counted since 1970), as 2026-11."""
    return datetime.fromtimestamp(slot * SLOT_MS / 1000, ZoneInfo(timezone)).strftime("%Y-%m")


def spent_slots(codes: str, day: int, timezone: str) -> Mapping[str, int]:
    """Return how many slots of a judged day were called planned, by local month."""
    found: dict[str, int] = {}
    for index, letter in enumerate(codes):
        if MEANINGS[letter].state is TruthState.PLANNED:
            month = month_of(day * SLOTS_A_DAY + index, timezone)
            found[month] = found.get(month, 0) + 1
    return found


def opening_spans(site: SiteRules, from_ms: int, to_ms: int) -> list[Span]:
    """Return when the site was open between two times, cut in its zone, in order and joined.

    Hours that end at or before they begin go on into the next day; without recorded hours there are none.
    """
    zone = ZoneInfo(site.timezone)
    first = datetime.fromtimestamp(from_ms / 1000, zone).date() - timedelta(days=1)
    last = datetime.fromtimestamp(to_ms / 1000, zone).date()
    found: list[Span] = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for span in _hours_of(day, site, zone):
            low, high = max(span[0], from_ms), min(span[1], to_ms)
            if low < high:
                found.append((low, high))
    return _joined(sorted(found))


def _hours_of(day: date, site: SiteRules, zone: ZoneInfo) -> list[Span]:
    at_ms = local_ms(day, time(12), zone)
    hours = next((value for span, value in site.opening_hours if span[0] <= at_ms < span[1]), None)
    if hours is None:
        return []
    found: list[Span] = []
    for pair in hours.get(_WEEKDAYS[day.weekday()], ()):
        start, end = (_clock(text) for text in pair)
        if start is None or end is None:
            continue
        later = 1 if end <= start else 0
        found.append((_moment(day, start, zone), _moment(day + timedelta(days=later), end, zone)))
    return found


def _clock(text: object) -> int | None:
    """Return minutes since midnight of HH:MM (24:00 too), None for what is no time."""
    hours, _, minutes = str(text).partition(":")
    if not (hours.isdigit() and minutes.isdigit()):
        return None
    found = int(hours) * 60 + int(minutes)
    return found if found <= 24 * 60 else None


def _moment(day: date, minutes: int, zone: ZoneInfo) -> int:
    if minutes == 24 * 60:
        return local_ms(day + timedelta(days=1), time(0), zone)
    return local_ms(day, time(minutes // 60, minutes % 60), zone)


def local_ms(day: date, at: time, zone: ZoneInfo) -> int:
    """Return the moment of a local time, milliseconds since 1970; a time that a clock change skips is after it."""
    local = datetime.combine(day, at, zone)
    return round(local.astimezone(UTC).timestamp() * 1000)


def _off_slots(letters: str, start: int, site: SiteRules, rules: Rules) -> Collection[int]:
    """Return the indexes of silent slots that count as switched off.

    Those outside opening hours, and those right after opening until the site came back, if it did within
    the grace; else the time since opening is not known.
    """
    if not site.off_when_closed:
        return frozenset()
    low_ms, high_ms = start * SLOT_MS, (start + len(letters)) * SLOT_MS
    spans = opening_spans(site, low_ms - rules.opening_grace_ms, high_ms)
    silent = [letter in WITHOUT_ROWS for letter in letters]
    found = {
        index
        for index, quiet in enumerate(silent)
        if quiet and not _within((start + index) * SLOT_MS, spans) and _within_off(start + index, site)
    }
    for opened, _ in spans:
        found.update(_late_start(silent, letters, start, opened, rules))
    return {index for index in found if _within_off(start + index, site)}


def _late_start(silent: Sequence[bool], letters: str, start: int, opened_ms: int, rules: Rules) -> list[int]:
    """Return the silent slots from opening until the site came back within the grace; none if it did not."""
    first = -(-opened_ms // SLOT_MS) - start
    last = (opened_ms + rules.opening_grace_ms) // SLOT_MS - start
    index = max(first, 0)
    while index < min(last, len(silent)) and silent[index]:
        index += 1
    came_back = index < min(last, len(letters)) and letters[index] != Code.LATER
    return list(range(max(first, 0), index)) if came_back else []


def _within_off(slot: int, site: SiteRules) -> bool:
    return _within(slot * SLOT_MS, site.off_when_closed)


def _plan(letters: list[str], start: int, site: SiteRules, spent: Mapping[str, int], rules: Rules) -> None:
    """Turn downtime within counted windows into planned time, up to the month's cap, first come first served."""
    windows = [window for window in site.windows if window.counts(rules)]
    if not windows:
        return
    used = dict(spent)
    cap = rules.planned_cap_ms // SLOT_MS
    for index, letter in enumerate(letters):
        at_ms = (start + index) * SLOT_MS
        if letter not in DOWN_CODES or not any(window.covers(at_ms) for window in windows):
            continue
        month = month_of(start + index, site.timezone)
        if used.get(month, 0) < cap:
            used[month] = used.get(month, 0) + 1
            letters[index] = PLANNED_OF[letter]


def _within(at_ms: int, spans: Sequence[Span]) -> bool:
    return any(low <= at_ms < high for low, high in spans)


def _joined(spans: Sequence[Span]) -> list[Span]:
    found: list[Span] = []
    for low, high in spans:
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found
