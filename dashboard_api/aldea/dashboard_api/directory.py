"""The sites as lists show them: their live state at this moment, counted, filtered, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


Shelves = Mapping[bool, Mapping[SiteState, list[Listed]]]
"""Sites by whether they are simulated, then by state, in the order that a person wants them."""


def shelved(sites: Iterable[Listed]) -> Shelves:
    """Return the sites on their shelves: real before simulated, what is down first; empty shelves included."""
    shelves: dict[bool, dict[SiteState, list[Listed]]] = {
        simulated: {state: [] for state in SEVERITY} for simulated in (False, True)
    }
    for site in sites:
        shelves[site.pulse.simulated][site.state].append(site)
    return shelves


def cut(shelves: Shelves, state: SiteState | None, first: int, last: int) -> list[Listed]:
    """Return the sites from `first` up to before `last`, by name within a shelf; `state`: of this one only.

    Only the shelves that the part touches are put in order: of ten thousand sites a page shows a hundred.
    """
    found: list[Listed] = []
    reached = 0
    for shelf in (one for shelves_of in shelves.values() for key, one in shelves_of.items() if state in {None, key}):
        start, end = max(first - reached, 0), min(last - reached, len(shelf))
        if start < end:
            found += sorted(shelf, key=_place)[start:end]
        reached += len(shelf)
    return found


def _place(site: Listed) -> tuple[str, str]:
    return _alphabetical(site.pulse.name), site.pulse.site


@lru_cache(maxsize=65_536)
def _alphabetical(name: str) -> str:
    # Most names need no taking apart, which is what costs.
    return name.lower() if name.isascii() else folded(name)
