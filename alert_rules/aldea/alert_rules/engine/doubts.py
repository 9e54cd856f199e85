"""Self-doubt: while we may be the ones who are deaf no site is judged, and one incident says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aldea.alert_rules.engine.collectors import Deafness
from aldea.alert_rules.engine.desk import Desk
from aldea.alert_rules.engine.log import PLATFORM, IncidentLog
from aldea.alert_rules.engine.watch import Watch
from aldea.alert_rules.events import PlatformHealth
from aldea.alert_rules.grouping import Doubt, doubt
from aldea.alert_rules.notify.occasion import Transition
from aldea.alert_rules.rule import Reason
from aldea.alert_rules.ruleset import EngineSettings
from aldea.storage.register import Unit

COLLECTOR, MASS = "collector", "mass"


@dataclass(slots=True)
class SideState:
    """What is known of one side, real or simulated: since when it is unwell or well, and if sites are held back."""

    bad_ms: int | None = None
    good_ms: int | None = None
    deaf_ms: int | None = None
    held_ms: int | None = None
    released: bool = False
    kind: str | None = None

    def as_json(self) -> list[Any]:
        """Return it as JSON."""
        return [self.bad_ms, self.good_ms, self.deaf_ms, self.held_ms, self.released, self.kind]


@dataclass(frozen=True, slots=True)
class _Trouble:
    kind: str
    since_ms: int
    reason: Reason | None
    sites: tuple[str, ...] = ()


class Doubts:
    """Decides for each side, once a step, whether its sites may be judged."""

    def __init__(self, watch: Watch, log: IncidentLog, desk: Desk, settings: EngineSettings, stored: Any) -> None:
        self._watch = watch
        self._log = log
        self._desk = desk
        self._settings = settings
        self._sides = {False: SideState(), True: SideState()}
        self._doubts: dict[bool, Doubt | None] = {False: None, True: None}
        if isinstance(stored, Mapping):
            self._sides = {simulated: SideState(*stored[str(simulated).lower()]) for simulated in (False, True)}

    def as_json(self) -> dict[str, Any]:
        """Return what must outlive a restart."""
        return {str(simulated).lower(): side.as_json() for simulated, side in self._sides.items()}

    def deaf_between(self, spans: tuple[tuple[int, int], ...], now_ms: int) -> None:
        """Excuse times in which our collectors were away while this engine was, too."""
        for start, end in spans:
            recent = now_ms - end < self._settings.grace_seconds * 1000
            grace = self._settings.grace_seconds * 1000 if recent else 0
            for simulated in (False, True):
                self._watch.spread_health(
                    PlatformHealth(end, healthy=True, deaf_from_ms=start, grace_ms=grace), simulated=simulated
                )

    def held(self, *, simulated: bool) -> bool:
        """Say whether the sites of a side are held back now."""
        return self._sides[simulated].held_ms is not None

    def settled(self, deafness: Deafness | None) -> bool:
        """Say whether a look at it would change nothing: nobody unwell, nothing open, no site newly missing."""
        if deafness is not None or any(side.changed for side in self._watch.sides.values()):
            return False
        return all(
            side.bad_ms is None and side.held_ms is None and side.good_ms is None for side in self._sides.values()
        )

    def step(self, unit: Unit, deafness: Deafness | None, now_ms: int) -> None:
        """Hold sites back or let them go, and open or close the incident."""
        for simulated, side in self._sides.items():
            trouble = self._trouble(deafness, simulated=simulated)
            if trouble is not None and side.kind == COLLECTOR and trouble.kind == MASS:
                # Of course all are missing when we hear again: that time is excused first, then we look anew.
                trouble = None
            if trouble is None:
                self._well(unit, side, now_ms, simulated=simulated)
            else:
                self._unwell(unit, side, trouble, now_ms, simulated=simulated)

    def _trouble(self, deafness: Deafness | None, *, simulated: bool) -> _Trouble | None:
        if deafness is not None:
            return _Trouble(COLLECTOR, deafness.since_ms, deafness.reason)
        side, settings = self._watch.sides[simulated], self._settings
        if side.changed:
            self._watch.members(side)
            self._doubts[simulated] = doubt(
                side.missing,
                self._watch.shared,
                side.expected,
                at_least=settings.mass_sites,
                ratio=settings.mass_ratio,
                slack_ms=settings.mass_slack_seconds * 1000,
            )
            side.changed = False
        found = self._doubts[simulated]
        if found is None:
            return None
        code = "all_at_once" if found.everything else "many_at_once"
        reason = Reason(code, {"count": len(found.sites), "expected": found.expected})
        return _Trouble(MASS, found.since_ms, reason, found.sites)

    def _unwell(self, unit: Unit, side: SideState, trouble: _Trouble, now_ms: int, *, simulated: bool) -> None:
        side.good_ms, side.kind = None, trouble.kind
        if side.bad_ms is None:
            side.bad_ms = now_ms
        if trouble.kind == COLLECTOR:
            side.released = False
        if side.held_ms is None and not side.released:
            side.held_ms = now_ms
            side.deaf_ms = trouble.since_ms
            self._tell_rules(PlatformHealth(now_ms, healthy=False), simulated=simulated)
        limit = self._settings.mass_limit_seconds * 1000
        if trouble.kind == MASS and side.held_ms is not None and now_ms - side.held_ms >= limit:
            # So long a silence is theirs: they become incidents, as parts of this one.
            side.released, side.held_ms, side.deaf_ms = True, None, None
            self._tell_rules(PlatformHealth(now_ms, healthy=True), simulated=simulated)
        self._open(unit, side, trouble, now_ms, simulated=simulated)

    def _open(self, unit: Unit, side: SideState, trouble: _Trouble, now_ms: int, *, simulated: bool) -> None:
        waited = side.bad_ms is not None and now_ms - side.bad_ms >= self._settings.platform_hold_seconds * 1000
        ours = trouble.kind == MASS or not simulated
        if trouble.reason is None or not waited or not ours or self._log.shared(PLATFORM, simulated=simulated):
            return
        self._desk.open_platform(unit, now_ms, trouble.since_ms, trouble.reason, trouble.sites, simulated=simulated)

    def _well(self, unit: Unit, side: SideState, now_ms: int, *, simulated: bool) -> None:
        side.bad_ms, side.released, side.kind = None, False, None
        if side.held_ms is not None:
            grace = self._settings.grace_seconds * 1000
            self._tell_rules(
                PlatformHealth(now_ms, healthy=True, deaf_from_ms=side.deaf_ms, grace_ms=grace), simulated=simulated
            )
            side.held_ms, side.deaf_ms = None, None
        incidents = self._log.shared(PLATFORM, simulated=simulated)
        if not incidents:
            side.good_ms = None
            return
        if side.good_ms is None:
            side.good_ms = now_ms
        if now_ms - side.good_ms >= self._settings.platform_clear_hold_seconds * 1000:
            for incident in incidents:
                self._desk.end_shared(unit, incident, now_ms, Reason("platform_well"), Transition.PLATFORM_RESOLVED)
            side.good_ms = None

    def _tell_rules(self, event: PlatformHealth, *, simulated: bool) -> None:
        self._watch.spread_health(event, simulated=simulated)
