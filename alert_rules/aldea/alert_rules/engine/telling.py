"""From an incident to what people are told of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from aldea.alert_rules.kinds.site_silent import SiteSilent
from aldea.alert_rules.notify.occasion import Occasion, Transition
from aldea.alert_rules.rule import Rule
from aldea.storage.register import Unit
from aldea.storage.register.incidents import Incident
from aldea.storage.register.maintenance import Maintenance
from aldea.storage.register.watched import WatchedSite


class Announces(Protocol):
    """Puts what is to be said into the outbox, in the engine's transaction, once for each step of an incident."""

    def announce(self, unit: Unit, occasion: Occasion, at_ms: int) -> int:
        """Return how many notifications are new."""
        ...


TITLES: Mapping[str, Mapping[str, str]] = {
    "sustained_loss": {"es": "Se pierden muchos paquetes", "en": "Many packets are lost"},
}
"""What incidents of a kind are about, for kinds that are not about a site that is down."""


def title_of(rule: Rule) -> Mapping[str, str]:
    """Return an incident's title by language, empty for a site that is silent."""
    if isinstance(rule.kind, SiteSilent):
        return {}
    return TITLES.get(rule.kind_name, {"es": rule.name, "en": rule.name})


def occasion_of(
    incident: Incident, transition: Transition, sites: Mapping[str, WatchedSite], reason: Mapping[str, str]
) -> Occasion:
    """Return what happened to an incident, with all that a message says of it."""
    found = sites.get(incident.site or "")
    listed: tuple[str, ...] = tuple(incident.summary.get("sites", ()))
    return Occasion(
        incident=incident.id,
        transition=transition,
        opened_ms=incident.opened_ms,
        rule=incident.rule,
        site=incident.site,
        site_name=found.name if found is not None else incident.site or "",
        place=_place(found),
        zone=found.timezone if found is not None else "UTC",
        cause=incident.cause,
        title=dict(incident.summary.get("title", {})),
        reason=dict(reason),
        fired_ms=incident.fired_ms,
        resolved_ms=incident.resolved_ms,
        sites=listed,
        site_names=tuple(sites[key].name if key in sites else key for key in listed),
        shared=str(incident.summary.get("value", "")),
    )


def in_maintenance(one: WatchedSite, windows: Collection[Maintenance], at_ms: int) -> Maintenance | None:
    """Return the window that a site is in, or None."""
    programmes: Any = one.facts.get("programme", ())
    held = programmes if isinstance(programmes, tuple) else (programmes,)
    region = one.facts.get("state_name")
    names = [str(name) for name in held]
    for window in windows:
        if window.from_ms <= at_ms < window.to_ms and window.applies_to(
            one.site, names, None if region is None else str(region), simulated=one.simulated
        ):
            return window
    return None


def _place(one: WatchedSite | None) -> str:
    if one is None:
        return ""
    return ", ".join(str(one.facts[fact]) for fact in ("municipality", "state_name") if fact in one.facts)
