"""Settles days of one site: rows and boots into letters, the register's say on top, intervals and daily counts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from aldea.collector.settling.places import primary_spans, site_rules
from aldea.collector.settling.reading import RowReader
from aldea.collector.settling.usage import usage_days
from aldea.model.truth import SLOT_MS, Code, SlotDay, intervals_of, observe, overlay
from aldea.model.truth.observing import CONTEXT_SLOTS, of_day
from aldea.model.truth.overlay import month_of, spent_slots
from aldea.model.truth.slots import DAY_MS, SLOTS_A_DAY, empty_day
from aldea.storage.register.settling import SettledDay

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aldea.collector.settling.boots import Boots
    from aldea.model.series import SeriesStore
    from aldea.model.truth import HoleVerdict, Rules, Silence, SiteRules
    from aldea.model.truth.overlay import Span
    from aldea.storage.register.maintenance import Maintenance
    from aldea.storage.register.settling import Place
    from aldea.storage.register.usage_days import UsageDay

PAD_MS = CONTEXT_SLOTS * SLOT_MS


@dataclass(frozen=True, slots=True)
class Background:
    """What a judgement is made with beside the rows.

    `held`: the newest stored revision of the site's days around the ones to settle, earlier days of their months
    included. Of days that ended before `raw_from_ms` the rows may be gone: what was observed then stands.
    """

    held: Mapping[int, SlotDay]
    boots: Boots
    maintenance: Sequence[Maintenance]
    outages: Sequence[Span]
    until_ms: int
    raw_from_ms: int
    now_ms: int
    positions: Mapping[str, int]
    rules: Rules


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of it; `again`: later days whose share of the month's planned time has changed."""

    days: list[SettledDay]
    usage: list[tuple[UsageDay, bool]]
    again: set[int] = field(default_factory=set)


def settle_days(store: SeriesStore, place: Place, days: Sequence[int], background: Background) -> Settled:
    """Settle days of one site, in any order. Raises StoreUnavailable when the series store does not answer."""
    ordered = sorted(days)
    rules = site_rules(place, background.maintenance, background.outages)
    fresh = [day for day in ordered if (day + 1) * DAY_MS > background.raw_from_ms]
    observed, verdicts, silences = _observed(store, place, fresh, background)
    held = dict(background.held)
    settled: list[SettledDay] = []
    again: set[int] = set()
    for day in ordered:
        before = held.get(day) or empty_day(place.site, day)
        letters, sent, received, after = observed.get(day) or _as_held(before, held.get(day + 1))
        spent = _spent(held, day, rules) if rules.windows else {}
        codes = overlay(letters, after, day, rules, spent, background.rules)
        slots = SlotDay(
            place.site, day, letters, codes, sent, received, 1, background.now_ms, dict(background.positions)
        )
        if rules.windows and spent_slots(before.codes, day, place.timezone) != spent_slots(codes, day, place.timezone):
            again |= _later(day, rules, background.until_ms)
        held[day] = replace(slots, revision=before.revision)
        windows = [window.id for window in rules.windows if _touches(window.from_ms, window.to_ms, day)]
        settled.append(SettledDay(slots, tuple(intervals_of(slots, verdicts, windows, silences))))
    usage = usage_days(store, place, rules, fresh, background.now_ms, background.positions)
    return Settled(settled, usage, again - set(ordered))


_Letters = tuple[str, "Sequence[int]", "Sequence[int]", str]


def _observed(
    store: SeriesStore, place: Place, days: Sequence[int], background: Background
) -> tuple[dict[int, _Letters], list[HoleVerdict], list[Silence]]:
    """Return (letters, sent, received, letters of the hour after) of each day, verdicts on holes, and silences."""
    if not days:
        return {}, [], []
    from_ms, to_ms = days[0] * DAY_MS - PAD_MS, (days[-1] + 1) * DAY_MS + PAD_MS
    reader = RowReader(store, place.site)
    tally = reader.tally(primary_spans(place), from_ms, to_ms)
    boots = background.boots.spans(place.site, from_ms, to_ms)
    verdicts = background.boots.verdicts(place.site, from_ms, to_ms, reader)
    found: dict[int, _Letters] = {}
    for day in days:
        low, high = day * DAY_MS - PAD_MS, (day + 1) * DAY_MS + PAD_MS
        near = [boot for boot in boots if boot.start_ms < high and boot.end_ms > low]
        holes = [item for item in verdicts if item.hole.start_ms < high and item.hole.end_ms > low]
        seen = observe(tally, day, background.until_ms, near, holes, background.rules)
        letters, sent, received = of_day(seen, day)
        found[day] = (letters, sent, received, seen.letters[-CONTEXT_SLOTS:])
    return found, verdicts, reader.silences(primary_spans(place), from_ms, to_ms, boots)


def _as_held(before: SlotDay, following: SlotDay | None) -> _Letters:
    """Return a day as it was observed when its rows were there; blank slots are silence by now."""
    after = following.observed[:CONTEXT_SLOTS] if following else Code.LATER * CONTEXT_SLOTS
    return before.observed.replace(Code.LATER, Code.SILENT), before.sent, before.received, after


def _spent(held: Mapping[int, SlotDay], day: int, rules: SiteRules) -> dict[str, int]:
    """Return how many slots of the months that the day touches were called planned on the days before it."""
    months = {month_of(slot, rules.timezone) for slot in (day * SLOTS_A_DAY, (day + 1) * SLOTS_A_DAY - 1)}
    found: dict[str, int] = {}
    for earlier in range(day - 32, day):
        slots = held.get(earlier)
        if slots is not None:
            for month, count in spent_slots(slots.codes, earlier, rules.timezone).items():
                if month in months:
                    found[month] = found.get(month, 0) + count
    return found


def _later(day: int, rules: SiteRules, until_ms: int) -> set[int]:
    """Return the days after this one, within a month, that a window touches."""
    last = min(day + 32, until_ms // DAY_MS)
    return {
        later
        for later in range(day + 1, last + 1)
        if any(_touches(window.from_ms, window.to_ms, later) for window in rules.windows)
    }


def _touches(from_ms: int, to_ms: int, day: int) -> bool:
    return from_ms < (day + 1) * DAY_MS and to_ms > day * DAY_MS
