"""What an engine remembers while it has the lease: how it begins, and how it learns which sites there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aldea.alert_rules.engine.annotating import Annotator
from aldea.alert_rules.engine.desk import Desk
from aldea.alert_rules.engine.doubts import Doubts
from aldea.alert_rules.engine.log import FLAPPING, IncidentLog
from aldea.alert_rules.engine.telling import Announces
from aldea.alert_rules.engine.watch import Watch
from aldea.alert_rules.rule import Reason
from aldea.alert_rules.ruleset import RuleSet
from aldea.storage.register import Unit
from aldea.storage.register.alert_state import drop_alert_states, read_alert_states, read_engine_state
from aldea.storage.register.feed import get_cursors, last_position, set_cursor
from aldea.storage.register.pulses import site_pulses
from aldea.storage.register.watched import watched_sites

AWAY_MS = 30_000
FIRST_LOOK_MS = 86_400_000
REFRESH_LEAST_MS, REFRESH_PER_SITE_MS = 30_000, 30


@dataclass(slots=True)
class Turn:
    """All that lasts from step to step while this engine has the lease and nothing went wrong."""

    watch: Watch
    log: IncidentLog
    desk: Desk
    doubts: Doubts
    fence: int
    away_since_ms: int | None
    annotator: Annotator = field(default_factory=Annotator)
    registry: int = -1
    refreshed_ms: int = 0
    renewed_ms: int = 0
    chores_ms: int = 0
    stepped_ms: int = 0
    seen_feed: int = -1
    caught_up: bool = False
    kept_doubts: Mapping[str, Any] | None = None

    def needs_refresh(self, registry: int, now: int) -> bool:
        """Whether it is time to ask again which sites there are; the more there are, the more rarely."""
        every = max(REFRESH_LEAST_MS, REFRESH_PER_SITE_MS * len(self.watch.sites))
        return registry != self.registry or now - self.refreshed_ms >= every


def begin_turn(unit: Unit, consumer: str, rules: RuleSet, announcer: Announces, fence: int, now: int) -> Turn:
    """Read the memory from the register; the first engine of all starts at the feed's end, from the live status."""
    stored = read_engine_state(unit, consumer)
    watch, log = Watch(rules), IncidentLog(unit)
    desk = Desk(watch, log, rules.engine, announcer)
    doubts = Doubts(watch, log, desk, rules.engine, None if stored is None else stored["doubts"])
    cursors = get_cursors(unit, consumer)
    if stored is None:
        cursors = {name: last_position(unit, name) for name in cursors}
        for name, position in cursors.items():
            set_cursor(unit, consumer, name, position)
    watch.cursors = dict(cursors)
    since = now - FIRST_LOOK_MS if stored is None else int(stored["step_ms"])
    away = since if now - since > AWAY_MS else None
    return Turn(watch, log, desk, doubts, fence, away)


def refresh_turn(unit: Unit, turn: Turn, registry: int, now: int) -> None:
    """Take over which sites there are now, and close what belongs to those that are watched no more."""
    first = turn.registry < 0
    found = watched_sites(unit, now)
    stored: Mapping[Any, Any] = read_alert_states(unit) if first else {}
    gone = turn.watch.replace_sites(found) | {site for _, site in stored if site not in turn.watch.sites}
    turn.watch.forget(gone)
    drop_alert_states(unit, gone)
    new = [] if first else [site for site in turn.watch.sites if not turn.watch.knows(site)]
    pulses = site_pulses(unit) if first else site_pulses(unit, sites=new)
    held_sides = {simulated for simulated in (False, True) if turn.doubts.held(simulated=simulated)}
    turn.watch.fill(stored, {pulse.site: pulse for pulse in pulses}, held_sides)
    for incident in turn.log:
        if incident.site is None:
            continue
        if incident.site not in found:
            turn.log.forget(incident)
        elif incident.site not in turn.watch.sites:
            state = found[incident.site].state
            reason = Reason("no_longer_watched", {"state": "-" if state is None else state.value})
            turn.desk.withdraw(unit, incident, now, reason)
        elif not turn.watch.judges(
            incident.summary["of"] if incident.rule == FLAPPING else incident.rule, incident.site
        ):
            turn.desk.withdraw(unit, incident, now, Reason("rule_removed"))
    turn.registry, turn.refreshed_ms = registry, now
