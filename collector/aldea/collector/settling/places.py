"""What is registered of a site, as the judgement wants it. Pure."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from aldea.model.truth import SiteRules, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.model.truth.overlay import Span
    from aldea.storage.register.maintenance import Maintenance
    from aldea.storage.register.settling import Dated, Place

FOREVER_MS = 2**60
COMMISSIONED = "commissioned"
OFF_WHEN_CLOSED = "off_when_closed"


def site_rules(place: Place, maintenance: Sequence[Maintenance], outages: Sequence[Span]) -> SiteRules:
    """Return the rules by which a site is judged."""
    return SiteRules(
        timezone=place.timezone,
        commissioned=commissioned(place),
        opening_hours=[(_span(item), item.value) for item in _values(place, "opening_hours")],
        off_when_closed=[_span(item) for item in _values(place, "silence_means") if item.value == OFF_WHEN_CLOSED],
        windows=[_window(item) for item in maintenance if applies(item, place)],
        outages=outages,
    )


def commissioned(place: Place) -> list[Span]:
    """Return when service of the site is expected, in order."""
    return [_span(item) for item in place.states if item.value == COMMISSIONED]


def primary_spans(place: Place) -> list[tuple[str, Span]]:
    """Return which device decided about the site, and when."""
    return [(str(item.value), _span(item)) for item in _values(place, "primary_device")]


def region_at(place: Place, at_ms: int) -> str | None:
    """Return the site's power region at a time."""
    found = value_at(place, "power_region", at_ms)
    return None if found is None else str(found)


def is_off_when_closed(place: Place, at_ms: int) -> bool:
    """Say whether the site is switched off when closed, at a time."""
    return bool(value_at(place, "silence_means", at_ms) == OFF_WHEN_CLOSED)


def value_at(place: Place, fact: str, at_ms: int) -> Any:
    """Return the value of a fact at a time, None where nothing is recorded."""
    for item in _values(place, fact):
        low, high = _span(item)
        if low <= at_ms < high:
            return item.value
    return None


def applies(window: Maintenance, place: Place) -> bool:
    """Say whether a maintenance window is for this site, by what is registered when it begins."""
    programmes = {
        str(item.value) for item in _values(place, "programme") if _span(item)[0] <= window.from_ms < _span(item)[1]
    }
    region = value_at(place, "state_name", window.from_ms)
    return window.applies_to(place.site, programmes, region, simulated=place.simulated)


def digest(place: Place) -> str:
    """Return a short text that changes when anything about the site changes that matters to its truth."""
    content = [place.timezone, place.states, sorted(place.facts.items()), sorted(place.sees.items())]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=dict).encode()).hexdigest()[:32]


def _values(place: Place, fact: str) -> Sequence[Dated]:
    return place.facts.get(fact, ())


def _span(item: Dated) -> Span:
    return item.from_ms, FOREVER_MS if item.to_ms is None else item.to_ms


def _window(item: Maintenance) -> Window:
    return Window(item.id, item.from_ms, item.to_ms, item.announced_ms, item.approved)
