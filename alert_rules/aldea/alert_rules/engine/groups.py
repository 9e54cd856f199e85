"""Common faults: one incident for sites that share something and fell silent together; theirs are part of it."""

from __future__ import annotations

from aldea.alert_rules.engine.log import GROUP, IncidentLog
from aldea.alert_rules.engine.watch import Watch
from aldea.alert_rules.grouping import Common, Span, common_fault
from aldea.alert_rules.rule import Reason
from aldea.alert_rules.ruleset import EngineSettings
from aldea.alert_rules.sentences import sentences
from aldea.storage.register import Unit
from aldea.storage.register.incidents import Incident


class Groups:
    """Finds the common fault that a site's silence is part of."""

    def __init__(self, watch: Watch, log: IncidentLog, settings: EngineSettings) -> None:
        self._watch = watch
        self._log = log
        self._settings = settings

    def place(self, unit: Unit, incident: Incident, at_ms: int) -> tuple[Incident, Incident | None]:
        """Make an incident that has just fired part of a common fault, if there is one.

        Returns the incident as it is then, and the common fault's if it was opened by this.
        """
        site = incident.site or ""
        side = self._watch.sides[incident.simulated]
        span = side.missing.get(site)
        if span is None:
            return incident, None
        for group in self._log.shared(GROUP, simulated=incident.simulated):
            if self._belongs(group, site, span):
                return self.join(unit, group, incident, at_ms), None
        found = common_fault(
            side.missing,
            self._watch.shared,
            self._watch.members(side),
            site,
            at_least=self._settings.group_sites,
            share_ratio=self._settings.group_ratio,
            slack_ms=self._settings.group_slack_seconds * 1000,
        )
        if found is None:
            return incident, None
        group = self._open(unit, found, at_ms, simulated=incident.simulated)
        for other in self._log:
            if other.site in found.sites and other.rule == incident.rule and other.parent is None:
                joined = self.join(unit, group, other, at_ms)
                incident = joined if other.id == incident.id else incident
        return incident, self._log.get(group.id)

    def join(self, unit: Unit, larger: Incident, incident: Incident, at_ms: int) -> Incident:
        """Make an incident part of a larger one."""
        sites = sorted({*larger.summary.get("sites", ()), incident.site or ""})
        if sites != list(larger.summary.get("sites", ())):
            self._log.change(unit, larger, summary={**larger.summary, "sites": sites})
        self._log.note(unit, incident, at_ms, "grouped", sentence=larger.summary.get("sentence", {}), into=larger.id)
        return self._log.change(unit, incident, parent=larger.id)

    def _open(self, unit: Unit, found: Common, at_ms: int, *, simulated: bool) -> Incident:
        spans = [self._watch.sides[simulated].missing[key] for key in found.sites]
        low, high = min(span[0] for span in spans), max(span[1] for span in spans)
        reason = Reason("common_fault", {"count": len(found.sites), "by": found.by, "value": found.value})
        summary = {
            "sentence": sentences(reason),
            "reason": {"code": reason.code, **reason.values},
            "by": found.by,
            "value": found.value,
            "shared": found.value,
            "sites": list(found.sites),
            "onset": [low, high],
        }
        return self._log.open(unit, GROUP, None, at_ms, low, simulated=simulated, summary=summary)

    def _belongs(self, group: Incident, site: str, span: Span) -> bool:
        """Say whether a site fell silent with a group's, and shares what they share."""
        if self._watch.shared.get(site, {}).get(str(group.summary.get("by"))) != group.summary.get("value"):
            return False
        slack = self._settings.group_slack_seconds * 1000
        low, high = group.summary["onset"]
        return bool(span[0] <= high + slack and low <= span[1] + slack)
