"""What becomes of a verdict: an incident, part of a larger one or not; told to people, or not and why."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aldea.alert_rules.engine.groups import Groups
from aldea.alert_rules.engine.log import FLAPPING, PLATFORM, IncidentLog
from aldea.alert_rules.engine.telling import Announces, in_maintenance, occasion_of, title_of
from aldea.alert_rules.engine.watch import Watch
from aldea.alert_rules.fold import Transition as Change
from aldea.alert_rules.fold import Verdict
from aldea.alert_rules.kinds.site_silent import SiteSilent
from aldea.alert_rules.notify.occasion import Transition
from aldea.alert_rules.rule import Reason, Rule
from aldea.alert_rules.ruleset import EngineSettings
from aldea.alert_rules.sentences import sentences
from aldea.storage.register import Unit
from aldea.storage.register.incidents import Incident
from aldea.storage.register.maintenance import Maintenance
from aldea.storage.register.watched import WatchedSite

ALSO_TOLD = "told"
"""The mark in an incident's summary that people were told of its start, so that its end is never swallowed."""


class Desk:
    """Turns verdicts into incidents and messages, within one unit of work."""

    def __init__(self, watch: Watch, log: IncidentLog, settings: EngineSettings, announcer: Announces) -> None:
        self._watch = watch
        self._log = log
        self._announcer = announcer
        self._groups = Groups(watch, log, settings)
        self.windows: Collection[Maintenance] = ()

    def take(self, unit: Unit, rule_name: str, site: str, verdict: Verdict) -> None:
        """Deal with one verdict about a site."""
        rule, one = self._watch.rule(rule_name), self._watch.sites.get(site)
        if rule is None or one is None:
            return
        if verdict.transition is Change.FIRED:
            self._fired(unit, rule, one, verdict)
        elif verdict.transition is Change.RESOLVED:
            self._resolved(unit, rule.name, one, verdict)
        elif verdict.transition is Change.FLAPPING_STARTED:
            self._flapping(unit, rule, one, verdict)
        elif verdict.transition is Change.FLAPPING_ENDED:
            self._steady(unit, rule, one, verdict)

    def withdraw(self, unit: Unit, incident: Incident, at_ms: int, reason: Reason) -> None:
        """Close an incident whose site or rule is there no more; who was told of it is told of that."""
        self._end(unit, incident, at_ms, at_ms, reason, Transition.RESOLVED)

    def reconsider(self, unit: Unit, at_ms: int) -> None:
        """Tell now of what still fires and was kept back by something that is over."""
        for incident in self._log:
            one = self._watch.sites.get(incident.site or "")
            waits = incident.summary.get("kept_back") in ("maintenance", "flapping", "platform")
            if one is None or not waits or self._kept_back(incident, one, at_ms) is not None:
                continue
            kind = Transition.FLAPPING_STARTED if incident.rule == FLAPPING else Transition.FIRED
            self._tell(unit, incident, one, at_ms, kind)

    def _fired(self, unit: Unit, rule: Rule, one: WatchedSite, verdict: Verdict) -> None:
        if self._log.of_site(rule.name, one.site) is not None:
            return
        reason = verdict.reason
        summary: dict[str, Any] = {
            "title": dict(title_of(rule)),
            "sentence": sentences(reason, one.timezone),
            "reason": {"code": reason.code, **reason.values},
        }
        if not rule.notify:
            summary["kept_back"] = "rule"
        incident = self._log.open(
            unit,
            rule.name,
            one.site,
            verdict.at_ms,
            verdict.since_ms,
            simulated=one.simulated,
            summary={key: value for key, value in summary.items() if value},
        )
        flapping = self._log.flapping(rule.name, one.site)
        if flapping is not None:
            incident = self._log.change(unit, incident, parent=flapping.id)
        elif isinstance(rule.kind, SiteSilent):
            incident = self._part_of_larger(unit, incident, verdict.at_ms)
        self._tell(unit, incident, one, verdict.at_ms, Transition.FIRED)

    def _part_of_larger(self, unit: Unit, incident: Incident, at_ms: int) -> Incident:
        platform = self._log.shared(PLATFORM, simulated=incident.simulated)
        for larger in platform:
            if incident.site in larger.summary.get("sites", ()):
                return self._groups.join(unit, larger, incident, at_ms)
        incident, opened = self._groups.place(unit, incident, at_ms)
        if opened is not None:
            self._tell_group(unit, opened, at_ms)
        return incident

    def _tell_group(self, unit: Unit, group: Incident, at_ms: int) -> None:
        """Tell of a common fault, unless all its sites are being worked on."""
        sites = [self._watch.sites[key] for key in group.summary["sites"] if key in self._watch.sites]
        if group.simulated or all(in_maintenance(one, self.windows, at_ms) is not None for one in sites):
            return
        group = self._log.change(unit, group, summary={**group.summary, ALSO_TOLD: True})
        self._say(unit, group, Transition.GROUP, at_ms, group.summary["sentence"])

    def _resolved(self, unit: Unit, rule: str, one: WatchedSite, verdict: Verdict) -> None:
        incident = self._log.of_site(rule, one.site)
        if incident is not None:
            self._end(unit, incident, verdict.at_ms, verdict.since_ms, verdict.reason, Transition.RESOLVED)

    def _flapping(self, unit: Unit, rule: Rule, one: WatchedSite, verdict: Verdict) -> None:
        if self._log.flapping(rule.name, one.site) is not None:
            return
        summary: dict[str, Any] = {"of": rule.name, "sentence": sentences(verdict.reason, one.timezone)}
        if not rule.notify:
            summary["kept_back"] = "rule"
        incident = self._log.open(
            unit, FLAPPING, one.site, verdict.at_ms, verdict.at_ms, simulated=one.simulated, summary=summary
        )
        fired = self._log.of_site(rule.name, one.site)
        if fired is not None:
            self._log.note(unit, fired, verdict.at_ms, "flapping_started", sentence=summary["sentence"])
        self._tell(unit, incident, one, verdict.at_ms, Transition.FLAPPING_STARTED)

    def _steady(self, unit: Unit, rule: Rule, one: WatchedSite, verdict: Verdict) -> None:
        incident = self._log.flapping(rule.name, one.site)
        if incident is None:
            return
        self._end(unit, incident, verdict.at_ms, verdict.at_ms, verdict.reason, Transition.FLAPPING_ENDED)
        fired = self._log.of_site(rule.name, one.site)
        if fired is not None and fired.parent == incident.id:
            self._log.note(unit, fired, verdict.at_ms, "flapping_ended")
            self._log.change(unit, fired, parent=None)

    def _end(self, unit: Unit, incident: Incident, at_ms: int, until_ms: int, reason: Reason, kind: Transition) -> None:
        one = self._watch.sites.get(incident.site or "")
        words = sentences(reason, "UTC" if one is None else one.timezone)
        if incident.rule == FLAPPING and kind is Transition.FLAPPING_ENDED:
            words = {}
        done = self._log.resolve(unit, incident, at_ms, until_ms, words)
        if done.summary.get(ALSO_TOLD):
            self._say(unit, done, kind, at_ms, words)
        group = self._log.get(incident.parent)
        if group is not None and group.rule == "group" and not self._log.children(group.id):
            self.end_shared(unit, group, at_ms, Reason("all_back"), Transition.GROUP_RESOLVED)

    def end_shared(self, unit: Unit, incident: Incident, at_ms: int, reason: Reason, kind: Transition) -> None:
        """Close an incident of several sites or of the platform, and tell those who were told of it."""
        words = sentences(reason)
        done = self._log.resolve(unit, incident, at_ms, at_ms, words)
        if done.summary.get(ALSO_TOLD):
            self._say(unit, done, kind, at_ms, words)

    def open_platform(
        self, unit: Unit, at_ms: int, since_ms: int, reason: Reason, sites: Collection[str], *, simulated: bool
    ) -> None:
        """Open the one incident that says that we ourselves may be the fault; of simulated sites nobody is told."""
        summary: dict[str, Any] = {
            "sentence": sentences(reason),
            "reason": {"code": reason.code, **reason.values},
            "sites": sorted(sites),
            ALSO_TOLD: not simulated,
        }
        made = self._log.open(
            unit, PLATFORM, None, at_ms, since_ms, simulated=simulated, summary=summary, cause="platform"
        )
        if not simulated:
            self._say(unit, made, Transition.PLATFORM, at_ms, summary["sentence"])

    def _kept_back(self, incident: Incident, one: WatchedSite, at_ms: int) -> str | None:
        """Return why people are not told of an incident, None when they are."""
        if incident.simulated:
            return "simulated"
        if incident.summary.get("kept_back") == "rule":
            return "rule"
        parent = self._log.get(incident.parent)
        if parent is not None:
            return parent.rule
        return "maintenance" if in_maintenance(one, self.windows, at_ms) is not None else None

    def _tell(self, unit: Unit, incident: Incident, one: WatchedSite, at_ms: int, kind: Transition) -> None:
        why = self._kept_back(incident, one, at_ms)
        summary = {key: value for key, value in incident.summary.items() if key != "kept_back"}
        if why is not None:
            self._log.change(unit, incident, summary={**summary, "kept_back": why})
            return
        told = self._log.change(unit, incident, summary={**summary, ALSO_TOLD: True})
        self._say(unit, told, kind, at_ms, incident.summary.get("sentence", {}))

    def _say(self, unit: Unit, incident: Incident, kind: Transition, at_ms: int, reason: Mapping[str, str]) -> None:
        self._announcer.announce(unit, occasion_of(incident, kind, self._watch.sites, reason), at_ms)
