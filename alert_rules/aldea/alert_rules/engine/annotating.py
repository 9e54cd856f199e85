"""Late evidence: what settled truth says of incidents that are over goes into their records, and to nobody's phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aldea.alert_rules.rule import Reason
from aldea.alert_rules.sentences import sentences
from aldea.alert_rules.settled import Finding, find
from aldea.storage.register import Unit
from aldea.storage.register.incidents import Incident, add_incident_event, put_incident, resolved_since
from aldea.storage.register.truth import read_intervals
from aldea.storage.register.watched import WatchedSite

LOOK_BACK_MS = 30 * 86_400_000
AT_ONCE = 50


class Annotator:
    """Goes through the incidents of the last thirty days, some at a time."""

    def __init__(self) -> None:
        self._after = ""

    def step(self, unit: Unit, sites: Mapping[str, WatchedSite], now_ms: int) -> int:
        """Look at the next incidents; return how many were revised."""
        waiting = resolved_since(unit, now_ms - LOOK_BACK_MS, after=self._after, limit=AT_ONCE)
        self._after = waiting[-1].id if len(waiting) == AT_ONCE else ""
        return sum(self._annotate(unit, one, sites, now_ms) for one in waiting)

    def _annotate(self, unit: Unit, incident: Incident, sites: Mapping[str, WatchedSite], now_ms: int) -> bool:
        if incident.site is None or incident.resolved_ms is None or incident.rule == "flapping":
            return False
        intervals = read_intervals(unit, [incident.site], incident.opened_ms, incident.resolved_ms)
        found = find(intervals, incident.opened_ms, incident.resolved_ms)
        if found is None:
            return False
        if _known(incident, found):
            if incident.summary.get("evidence") != found.evidence:
                # The same verdict rests on more by now: who else restarted, how the agent came to stop.
                put_incident(unit, replace(incident, summary={**incident.summary, "evidence": dict(found.evidence)}))
            return False
        one = sites.get(incident.site)
        words = sentences(found.reason, "UTC" if one is None else one.timezone)
        settled = {"cause": found.cause, "reason": _reason(found.reason), "sentence": words}
        summary = {**incident.summary, "settled": settled, "evidence": dict(found.evidence)}
        revised = replace(incident, cause=found.cause, summary=summary, revision=incident.revision + 1)
        put_incident(unit, revised)
        kind = "cause" if incident.revision == 0 else "revised"
        add_incident_event(unit, incident.id, now_ms, kind, {"sentence": words, "cause": found.cause})
        return True


def _reason(reason: Reason) -> dict[str, object]:
    return {"code": reason.code, **reason.values}


def _known(incident: Incident, found: Finding) -> bool:
    settled = incident.summary.get("settled") or {}
    return settled.get("cause") == found.cause and settled.get("reason") == _reason(found.reason)
