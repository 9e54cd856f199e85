"""The sites as lists show them: their live state at this moment, counted, filtered, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from aldea.model.liveness import SiteState, site_state
from aldea.storage.register.pulses import Pulse, site_pulses
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import folded

SEVERITY = (SiteState.DOWN, SiteState.SUSPECT, SiteState.UNKNOWN, SiteState.UP)
"""What needs a person first, first."""


class Listed(NamedTuple):
    """A site's pulse and what it says now. A tuple, because ten thousand are made for each list."""

    pulse: Pulse
    state: SiteState


def visible_pulses(
    unit: Unit,
    visible: frozenset[str] | None,
    *,
    simulated: bool | None = None,
    search: str | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Pulse]:
    """Return the pulses by id of the sites that a visitor may see (None: every one); the rest as `site_pulses`."""
    if visible is None:
        return site_pulses(unit, simulated=simulated, search=search, after=after, limit=limit)
    found = site_pulses(unit, simulated=simulated, search=search, sites=tuple(visible))
    return [pulse for pulse in found if after is None or pulse.site > after][:limit]


def state_of(pulse: Pulse, now_ms: int) -> SiteState:
    """Return the live state that a pulse means at `now_ms`."""
    seconds = None if pulse.interval_seconds is None else max(1, round(pulse.interval_seconds))
    return site_state(now_ms, pulse.last_arrival_ms, seconds, online=pulse.online)


def listed(pulses: Iterable[Pulse], now_ms: int) -> list[Listed]:
    """Return the sites with their states, in the order given."""
    return [Listed(pulse, state_of(pulse, now_ms)) for pulse in pulses]


def counts(sites: Sequence[Listed]) -> Mapping[SiteState, int]:
    """Return how many sites are in each state, zero included, the most urgent first."""
    found = dict.fromkeys(SEVERITY, 0)
    for site in sites:
        found[site.state] += 1
    return found


def by_urgency(sites: Iterable[Listed]) -> list[Listed]:
    """Return the sites as a person wants them: what is down first, real before simulated, then by name."""
    rank = {state: place for place, state in enumerate(SEVERITY)}
    return sorted(
        sites,
        key=lambda site: (rank[site.state], site.pulse.simulated, _alphabetical(site.pulse.name), site.pulse.site),
    )


@lru_cache(maxsize=65_536)
def _alphabetical(name: str) -> str:
    # Most names need no taking apart, which is what costs.
    return name.lower() if name.isascii() else folded(name)
