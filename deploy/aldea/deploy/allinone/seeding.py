"""What the register holds of an all-in-one Aldea: this machine as a site, and the simulated fleet."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tzlocal import get_localzone_name

from aldea.simulator.conversation import SEES
from aldea.simulator.fleet import registrations
from aldea.storage.register.devices import Device
from aldea.storage.register.facts import NewFact
from aldea.storage.register.simulated import demo_is_over, remove_simulated_sites
from aldea.storage.register.sites import (
    Site,
    SiteEntry,
    SiteState,
    add_sites,
    count_sites,
    find_site,
)

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.simulator.fleet import SimulatedSite
    from aldea.storage.register import Register

THIS_SITE = "this-machine"
THIS_DEVICE = "agent"
HISTORY_DAYS = 40
DAY_MS = 24 * 60 * 60 * 1000


def register_this_machine(register: Register, clock: Clock) -> None:
    """Make this machine a site, once. A time zone that cannot be told is UTC."""
    with register.transaction() as unit:
        if find_site(unit, THIS_SITE) is not None:
            return
        now = clock.wall_ms()
        site = Site(id=THIS_SITE, name="Este equipo", simulated=False, timezone=local_zone(), created_at_ms=now)
        device = Device(site=THIS_SITE, id=THIS_DEVICE, kind="agent", enrolled_at_ms=now)
        add_sites(unit, [SiteEntry(site, now, SiteState.COMMISSIONED, devices=(device,))])


def register_fleet(register: Register, clock: Clock) -> None:
    """Put the simulated sites into the register, once; they have been there since their history began."""
    with register.transaction() as unit:
        if count_sites(unit, simulated=True):
            return
        since = clock.wall_ms() - HISTORY_DAYS * DAY_MS
        add_sites(unit, [_entry(site, since) for site in registrations()])


def demo_is_wanted(register: Register, *, asked: bool) -> bool:
    """Whether a simulated fleet shall be here: it was not asked to stay away, and nobody has started for real."""
    with register.reading() as unit:
        return asked and not demo_is_over(unit)


def remove_fleet(register: Register, store: SeriesStore, simulator_data: Path) -> int:
    """Remove the simulated sites, their series and the simulator's state; return how many sites went."""
    with register.transaction() as unit:
        removed = remove_simulated_sites(unit)
    if removed:
        for site in registrations():
            store.delete_site(site.id)
    shutil.rmtree(simulator_data, ignore_errors=True)
    return removed


def _entry(site: SimulatedSite, since_ms: int) -> SiteEntry:
    return SiteEntry(
        Site(
            id=site.id,
            name=site.name,
            simulated=True,
            timezone=site.timezone,
            latitude=site.latitude,
            longitude=site.longitude,
            created_at_ms=since_ms,
        ),
        since_ms,
        SiteState.COMMISSIONED,
        facts=tuple(NewFact(name, value) for name, value in site.facts().items()),
        devices=(Device(site=site.id, id=site.device, kind="agent", enrolled_at_ms=since_ms, sees=dict(SEES)),),
    )


def local_zone() -> str:
    """Return the IANA name of this machine's time zone; UTC when it cannot be told."""
    try:
        return get_localzone_name() or "UTC"
    except (LookupError, ValueError):
        return "UTC"
