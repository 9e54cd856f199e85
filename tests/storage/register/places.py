"""Sites for the register's tests."""

from __future__ import annotations

from aldea.storage.register.devices import Device
from aldea.storage.register.facts import NewFact
from aldea.storage.register.sites import Site, SiteEntry, SiteState

DAY = 86_400_000


def entry(
    site: str,
    *facts: NewFact,
    name: str = "",
    simulated: bool = False,
    state: SiteState = SiteState.COMMISSIONED,
    from_ms: int = DAY,
) -> SiteEntry:
    """Return a new site with one agent."""
    place = Site(site, name or f"Aldea {site}", "America/Merida", from_ms, simulated=simulated)
    agent = Device(site, "box", "agent", from_ms, sees={"wan_bytes": False})
    return SiteEntry(place, from_ms, state, facts, (agent,))
