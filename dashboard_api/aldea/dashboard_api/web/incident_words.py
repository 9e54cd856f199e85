"""Incidents in words: their states, rules, the kinds of entries in a timeline, and reasons by language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.web.shown import Shown
from aldea.storage.register.incidents import Incident, IncidentState

OPEN, RESOLVED, ALL = "open", "resolved", "all"
STATE_CHOICES: Mapping[str, tuple[IncidentState, ...]] = {
    ALL: (IncidentState.FIRING, IncidentState.RESOLVED),
    OPEN: (IncidentState.FIRING,),
    RESOLVED: (IncidentState.RESOLVED,),
}
STATE_CHOICE_WORDS: Mapping[str, str] = {ALL: N_("Open and over"), OPEN: N_("Open"), RESOLVED: N_("Over")}

RULE_WORDS: Mapping[str, str] = {
    "site_silent": N_("No connection"),
    "sustained_loss": N_("Many packets are lost"),
    "platform": N_("Aldea receives no data from the sites"),
    "group": N_("Several sites down together"),
    "flapping": N_("Goes down and comes back again and again"),
}
EVENT_WORDS: Mapping[str, str] = {
    "opened": N_("Began"),
    "fired": N_("Became an incident"),
    "resolved": N_("Over"),
    "reopened": N_("Open again"),
    "revised": N_("Revised by data that came late"),
    "grouped": N_("Joined with what other sites have at the same time"),
    "ungrouped": N_("Separated from the common fault"),
    "flapping_started": N_("Goes down and comes back again and again"),
    "flapping_ended": N_("Stable again"),
    "cause": N_("Cause found"),
    "acknowledged": N_("Seen by a person"),
    "comment": N_("Comment"),
    "owner": N_("Somebody looks after it"),
    "disowned": N_("Nobody looks after it any more"),
    "repair_said": N_("Reported as repaired at the site"),
    "repair_judged": N_("What the server said to the repair"),
}
EVENT_LOOKS: Mapping[str, tuple[str, str]] = {
    "opened": ("down", "down"),
    "fired": ("bell", "down"),
    "reopened": ("bell", "down"),
    "resolved": ("up", "up"),
    "revised": ("info", "planned"),
    "acknowledged": ("check", ""),
    "comment": ("talk", ""),
    "owner": ("person", ""),
    "disowned": ("person", ""),
    "sent": ("send", ""),
    "repair_said": ("person", "planned"),
    "repair_judged": ("info", "planned"),
}
"""Kind → icon and colour; others get a clock."""


def rule_text(one: Incident, shown: Shown) -> str:
    """Return what an incident is about, in a few words: its own title, else its rule's."""
    own = spoken(one.summary.get("title"), shown)
    rule = one.rule.replace("-", "_")
    return own or (shown.say(RULE_WORDS[rule]) if rule in RULE_WORDS else one.rule)


def reason_text(one: Incident, shown: Shown) -> str:
    """Return the reason in words, '' where there is none."""
    return spoken(one.summary.get("sentence"), shown)


def spoken(texts: Any, shown: Shown) -> str:
    """Return a text that is kept by language, in the reader's language or the first there is."""
    if isinstance(texts, str):
        return texts
    if not isinstance(texts, Mapping) or not texts:
        return ""
    return str(texts.get(shown.code) or texts.get("es") or next(iter(texts.values())))


def event_text(kind: str, detail: Mapping[str, Any], shown: Shown) -> str:
    """Return what an entry of a timeline is; the kind itself where it is newer than this program."""
    if kind == "owner" and not detail.get("owner"):
        kind = "disowned"
    return shown.say(EVENT_WORDS[kind]) if kind in EVENT_WORDS else kind


def event_detail(detail: Mapping[str, Any], shown: Shown) -> str:
    """Return what an entry says beyond its kind: a person's words, or the engine's sentence."""
    for key in ("text", "note", "sentence", "reason"):
        found = spoken(detail.get(key), shown)
        if found:
            return found
    return ""
