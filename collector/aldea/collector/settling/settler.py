"""The settler: keeps settled truth in step with what arrives, what is registered, and time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aldea.collector.settling.boots import Boots
from aldea.collector.settling.changes import Changes
from aldea.collector.settling.judging import Background, settle_days
from aldea.model.truth import DEFAULT_RULES, SLOT_MS
from aldea.model.truth.slots import DAY_MS
from aldea.storage.register.boots import read_boots
from aldea.storage.register.collectors import collector_statuses
from aldea.storage.register.feed import get_cursors, last_position, read_feed, set_cursor
from aldea.storage.register.maintenance import maintenance_between, set_considered, unconsidered
from aldea.storage.register.outages import outages_between
from aldea.storage.register.settling import (
    clear_marks,
    drop_days_after,
    mark_days,
    marked_days,
    read_places,
    read_progress,
    write_days,
    write_progress,
)
from aldea.storage.register.truth import read_slot_days
from aldea.storage.register.usage_days import write_usage_days

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aldea.collector.settling.judging import Settled
    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.model.truth import Rules
    from aldea.model.truth.overlay import Span
    from aldea.storage.register import Register, Unit
    from aldea.storage.register.settling import Mark, Place, Progress

CONSUMER = "settler"
EVENTS_A_STEP = 2_000
SITES_A_STEP = 6
DAYS_AT_ONCE = 10
REFRESH_MS = 30_000
RIPE_AFTER_MS = 10 * 60 * 1000
BOOTS_DAYS = 100
MONTH_DAYS = 33


class Settler:
    """Follows the feed of every collector and settles what it touches, in small steps; run one at a time.

    `delay_seconds`: how old time must be before it is judged, so that an agent's next send is not missed.
    `raw_days`: how long the series store keeps rows; older days keep what was observed of them. Not safe
    between threads.
    """

    def __init__(
        self,
        register: Register,
        series: SeriesStore,
        clock: Clock,
        *,
        delay_seconds: int = 600,
        raw_days: int = 88,
        rules: Rules = DEFAULT_RULES,
    ) -> None:
        self._register = register
        self._series = series
        self._clock = clock
        self._delay_ms = delay_seconds * 1000
        self._raw_days = raw_days
        self._rules = rules
        self._places: dict[str, Place] = {}
        self._progress: dict[str, Progress] = {}
        self._boots = Boots({}, {})
        self._waiting: tuple[Boots, Mapping[str, int], int] | None = None
        self._outages: tuple[Span, ...] | None = None
        self._refreshed_ms: int | None = None

    def step(self) -> bool:
        """Do a small piece of work; return whether there is more to do at once.

        Raises RegisterUnavailableError or StoreUnavailable when a store does not answer: nothing is lost, call
        it again later.
        """
        now_ms = self._clock.wall_ms()
        if self._refreshed_ms is None or not 0 <= now_ms - self._refreshed_ms < REFRESH_MS:
            self._refresh(now_ms)
        more = self._follow(now_ms)
        return self._settle(now_ms) or more

    # ------------------------------------------------------------ what is to be settled

    def _refresh(self, now_ms: int) -> None:
        """Take in what is registered, when collectors were away, and where boots belong in time."""
        with self._register.reading() as unit:
            places, progress = read_places(unit), read_progress(unit)
            windows = unconsidered(unit)
            outages = outages_between(unit, now_ms - self._raw_days * DAY_MS, now_ms)
            told = read_boots(unit, now_ms - BOOTS_DAYS * DAY_MS) if self._waiting is None else None
            needed = {name: last_position(unit, name) for name in get_cursors(unit, CONSUMER)}
        self._places = places
        if told is not None:
            self._waiting = (Boots(places, told), needed, now_ms)
        changes = Changes(places, progress, now_ms)
        changes.take_registered()
        changes.take_maintenance(windows)
        changes.take_outages(set(outages) - set(outages if self._outages is None else self._outages))
        with self._register.transaction() as unit:
            self._keep(unit, changes)
            set_considered(unit, [window for window, _ in windows])
        self._progress = progress | changes.progress
        self._outages = outages
        self._refreshed_ms = now_ms

    def _follow(self, now_ms: int) -> bool:
        """Take in the feed's next events, as far as the series store has followed; return whether there are more."""
        with self._register.reading() as unit:
            written = {status.collector: status.series_position for status in collector_statuses(unit)}
            cursors = get_cursors(unit, CONSUMER)
            events = [
                event
                for name, position in cursors.items()
                for event in read_feed(unit, name, position, EVENTS_A_STEP)
                if event.position <= written.get(name, 0)
            ]
        changes = Changes(self._places, self._progress, now_ms)
        for event in events:
            changes.take_event(event)
            if event.event_from_ms is not None and event.event_to_ms is not None:
                for hole in self._boots.holes_told(event.site, event.event_from_ms, event.event_to_ms):
                    changes.take_evidence(event, hole)
        changes.pass_time(self._until(now_ms))
        self._take_boots(changes, written, now_ms)
        passed = {event.collector: event.position for event in events}
        if changes.marks or changes.progress or passed:
            with self._register.transaction() as unit:
                self._keep(unit, changes)
                for name, position in passed.items():
                    set_cursor(unit, CONSUMER, name, position)
            self._progress |= changes.progress
        return len(events) >= EVENTS_A_STEP

    def _take_boots(self, changes: Changes, written: Mapping[str, int], now_ms: int) -> None:
        """Believe the boots once the series store has moved their rows to where they now belong."""
        if self._waiting is None:
            return
        boots, needed, since_ms = self._waiting
        behind = any(written.get(name, 0) < position for name, position in needed.items())
        if behind and now_ms - since_ms < RIPE_AFTER_MS:
            return
        marks = [
            mark
            for site, progress in self._progress.items()
            if site in self._places
            for mark in boots.touched_by_change(site, progress.boots)
        ]
        changed = {
            site: boots.map_of(site)
            for site, progress in self._progress.items()
            if boots.map_of(site) != {key: list(span) for key, span in progress.boots.items() if span}
        }
        changes.take_boots(changed, marks)
        self._boots = boots
        self._waiting = None

    def _keep(self, unit: Unit, changes: Changes) -> None:
        if changes.ahead:
            drop_days_after(unit, changes.ahead, self._clock.wall_ms() // DAY_MS)
        mark_days(unit, changes.marks)
        write_progress(unit, list(changes.progress.values()))

    # ------------------------------------------------------------ settling

    def _until(self, now_ms: int) -> int:
        return (now_ms - self._delay_ms) // SLOT_MS * SLOT_MS

    def _settle(self, now_ms: int) -> bool:
        """Settle some marked days, the newest first, so that today's are there at once; return whether any were."""
        today = now_ms // DAY_MS
        with self._register.reading() as unit:
            groups = marked_days(unit, SITES_A_STEP, DAYS_AT_ONCE, recent_day=today - 1)
            if not groups:
                return False
            positions = dict(get_cursors(unit, CONSUMER))
            backgrounds = {
                group[0].site: self._background(unit, group, positions, now_ms)
                for group in groups
                if group[0].site in self._places
            }
        settled = {
            group[0].site: settle_days(
                self._series,
                self._places[group[0].site],
                [mark.day for mark in group],
                backgrounds[group[0].site],
            )
            for group in groups
            if group[0].site in backgrounds
        }
        self._write(groups, settled, backgrounds, now_ms)
        return True

    def _background(self, unit: Unit, group: Sequence[Mark], positions: Mapping[str, int], now_ms: int) -> Background:
        site, days = group[0].site, [mark.day for mark in group]
        first, last = min(days), max(days)
        from_ms, to_ms = first * DAY_MS, (last + 1) * DAY_MS
        windows = maintenance_between(unit, from_ms - MONTH_DAYS * DAY_MS, to_ms + MONTH_DAYS * DAY_MS)
        month = MONTH_DAYS if windows else 0
        held = read_slot_days(unit, [site], from_ms - month * DAY_MS, to_ms + DAY_MS)
        return Background(
            held={item.day: item for item in held},
            boots=self._boots,
            maintenance=windows,
            outages=[span for span in self._outages or () if span[0] < to_ms and span[1] > from_ms],
            until_ms=self._until(now_ms),
            raw_from_ms=now_ms - self._raw_days * DAY_MS,
            now_ms=now_ms,
            positions=positions,
            rules=self._rules,
        )

    def _write(
        self,
        groups: Sequence[Sequence[Mark]],
        settled: Mapping[str, Settled],
        backgrounds: Mapping[str, Background],
        now_ms: int,
    ) -> None:
        """Keep what was settled, and forget its marks, in one transaction."""
        progress = [found for site in settled if (found := self._advanced(site, settled[site], now_ms)) is not None]
        with self._register.transaction() as unit:
            for site, result in settled.items():
                latest = {(site, day): item for day, item in backgrounds[site].held.items()}
                write_days(unit, result.days, latest, now_ms)
                write_usage_days(unit, result.usage)
                mark_days(unit, [(site, day) for day in result.again])
            write_progress(unit, progress)
            clear_marks(unit, [mark for group in groups for mark in group])
        self._progress |= {item.site: item for item in progress}

    def _advanced(self, site: str, result: Settled, now_ms: int) -> Progress | None:
        """Return a site's progress when the day that goes on was settled, else None."""
        until = self._until(now_ms)
        progress = self._progress.get(site)
        judged = any(item.slots.start_ms < until <= item.slots.start_ms + DAY_MS for item in result.days)
        if progress is None or not judged or until <= progress.judged_until_ms:
            return None
        return replace(progress, judged_until_ms=until)
