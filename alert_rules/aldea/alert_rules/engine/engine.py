"""The driver: reads the feed, lets the rules judge, and keeps all that follows from it in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from aldea.alert_rules.engine.collectors import CollectorWatch, Deafness
from aldea.alert_rules.engine.feed_events import event_of
from aldea.alert_rules.engine.telling import Announces
from aldea.alert_rules.engine.turn import Turn, begin_turn, refresh_turn
from aldea.alert_rules.ruleset import RuleSet
from aldea.model.clock import Clock
from aldea.storage.register import Register, Unit
from aldea.storage.register.alert_state import (
    put_alert_states,
    put_engine_state,
)
from aldea.storage.register.collectors import CollectorStatus, collector_statuses
from aldea.storage.register.feed import get_cursors, newest_feed_id, read_feed, set_cursor
from aldea.storage.register.leases import acquire, find_lease, held, release, renew
from aldea.storage.register.liveness_marks import ENGINE, mark_alive
from aldea.storage.register.maintenance import maintenance_between
from aldea.storage.register.outages import outages_between
from aldea.storage.register.settings import held_registry_version, registry_version

CONSUMER = "alerts"
LEASE_MS = 15_000
RENEW_MS = 5_000
BACKWARDS_MS = 2_000
CHORES_MS = 10_000
EVENTS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class _Glance:
    """What a look without a transaction shows."""

    newest_feed: int
    registry: int
    statuses: tuple[CollectorStatus, ...]
    lease_free: bool


class Engine:
    """Judges all sites. Call `step` at least once a second; of several engines the holder of the lease works.

    `holder` must differ between processes. Fold state, cursors, incidents, timelines and notifications are kept in
    one transaction under the lease: a step that fails leaves nothing, and is done again from what is stored.
    """

    def __init__(self, register: Register, clock: Clock, rules: RuleSet, announcer: Announces, holder: str) -> None:
        self._register = register
        self._clock = clock
        self._rules = rules
        self._announcer = announcer
        self._holder = holder
        self._collectors = CollectorWatch(rules.engine.report_stale_seconds * 1000)
        self._turn: Turn | None = None

    @property
    def active(self) -> bool:
        """Whether this engine had the lease at its last step."""
        return self._turn is not None

    def step(self) -> bool:
        """Do what is due; return whether there is more to do at once.

        Raises RegisterError as the register does; then nothing was kept, and the next step begins anew.
        """
        now = self._clock.wall_ms()
        if self._turn is not None and now < self._turn.stepped_ms - BACKWARDS_MS:
            # The clock was ahead: what was to be looked at then is due now.
            self._turn = None
        glance = self._glance(now)
        deafness = self._collectors.look(glance.statuses, now)
        if not self._anything_due(glance, deafness, now):
            return False
        try:
            with self._register.transaction() as unit:
                return self._work(unit, glance, deafness, now)
        except BaseException:
            self._turn = None
            raise

    def close(self) -> None:
        """Give the lease back, so that a standby takes over at once."""
        if self._turn is not None:
            self._turn = None
            with self._register.transaction() as unit:
                release(unit, CONSUMER, self._holder)

    def _glance(self, now: int) -> _Glance:
        with self._register.reading() as unit:
            lease = find_lease(unit, CONSUMER) if self._turn is None else None
            free = lease is None or lease.may_be_taken(self._holder, now, LEASE_MS)
            return _Glance(newest_feed_id(unit), registry_version(unit), collector_statuses(unit), free)

    def _anything_due(self, glance: _Glance, deafness: Deafness | None, now: int) -> bool:
        turn = self._turn
        if turn is None:
            return glance.lease_free
        return (
            now - turn.renewed_ms >= RENEW_MS
            or now - turn.chores_ms >= CHORES_MS
            or not turn.caught_up
            or glance.newest_feed != turn.seen_feed
            or glance.registry != turn.registry
            or turn.watch.due(now)
            or not turn.doubts.settled(deafness)
        )

    def _work(self, unit: Unit, glance: _Glance, deafness: Deafness | None, now: int) -> bool:
        turn = self._own(unit, now)
        if turn is None:
            self._turn = None
            return False
        self._turn = turn
        turn.stepped_ms = now
        # Read anew, and held: a site that has left since the glance must not get an incident.
        registry = held_registry_version(unit)
        if turn.needs_refresh(registry, now):
            refresh_turn(unit, turn, registry, now)
        turn.seen_feed = glance.newest_feed
        read = self._read(unit, turn)
        turn.caught_up = read < EVENTS_AT_ONCE
        if turn.caught_up:
            self._judge(unit, turn, deafness, now)
        if now - turn.chores_ms >= CHORES_MS and turn.caught_up:
            self._chores(unit, turn, now)
        self._keep(unit, turn, now, marks=read > 0)
        return not turn.caught_up

    def _own(self, unit: Unit, now: int) -> Turn | None:
        """Return the turn if the lease is ours in this transaction, made anew if it was not before."""
        turn = self._turn
        if turn is not None and held(unit, CONSUMER, self._holder, turn.fence) and self._renewed(unit, turn, now):
            return turn
        if not acquire(unit, CONSUMER, self._holder, now, LEASE_MS):
            return None
        lease = find_lease(unit, CONSUMER)
        assert lease is not None
        return begin_turn(unit, CONSUMER, self._rules, self._announcer, lease.fence, now)

    def _renewed(self, unit: Unit, turn: Turn, now: int) -> bool:
        return now - turn.renewed_ms < RENEW_MS or renew(unit, CONSUMER, self._holder, now, LEASE_MS)

    def _read(self, unit: Unit, turn: Turn) -> int:
        """Hand the feed's next events to the rules; return how many there were."""
        count = 0
        cursors = {
            name: turn.watch.cursors.get(name, position) for name, position in get_cursors(unit, CONSUMER).items()
        }
        for collector, position in cursors.items():
            if count >= EVENTS_AT_ONCE:
                break
            events = read_feed(unit, collector, position, EVENTS_AT_ONCE - count)
            for entry in events:
                turn.watch.gather(entry.site, event_of(entry))
            if events:
                turn.watch.cursors[collector] = events[-1].position
                set_cursor(unit, CONSUMER, collector, events[-1].position)
            count += len(events)
        return count

    def _judge(self, unit: Unit, turn: Turn, deafness: Deafness | None, now: int) -> None:
        if turn.away_since_ms is not None:
            turn.doubts.deaf_between(outages_between(unit, turn.away_since_ms, now), now)
            turn.away_since_ms = None
        turn.desk.windows = maintenance_between(unit, now, now + 1)
        due = turn.watch.take_due(now)
        for key in due:
            turn.watch.update_missing(key, now)
        turn.doubts.step(unit, deafness, now)
        excused = turn.watch.take_due(now)
        for key in excused:
            turn.watch.update_missing(key, now)
        for key in sorted({*due, *excused}):
            for verdict in turn.watch.tick(key, now):
                turn.desk.take(unit, key[0], key[1], verdict)

    def _chores(self, unit: Unit, turn: Turn, now: int) -> None:
        turn.desk.reconsider(unit, now)
        turn.annotator.step(unit, turn.watch.sites, now)
        turn.chores_ms = now

    def _keep(self, unit: Unit, turn: Turn, now: int, *, marks: bool) -> None:
        put_alert_states(unit, turn.watch.take_dirty())
        doubts = turn.doubts.as_json()
        if marks or doubts != turn.kept_doubts or now - turn.renewed_ms >= RENEW_MS:
            put_engine_state(unit, CONSUMER, {"step_ms": now, "doubts": doubts})
            turn.kept_doubts = doubts
            mark_alive(unit, ENGINE, now, sum(turn.watch.cursors.values()))
        if now - turn.renewed_ms >= RENEW_MS:
            turn.renewed_ms = now
