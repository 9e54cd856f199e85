"""What the register holds of an all-in-one Aldea: this machine as a site, and the simulated fleet."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from tzlocal import get_localzone_name

from aldea.model.forms import load_forms
from aldea.simulator.fleet import registrations
from aldea.simulator.records import (
    DUTIES,
    PROGRAMME,
    PROGRAMME_NAMES,
    SimulatedRecord,
    population_of,
    records_of,
)
from aldea.simulator.voice import SEES
from aldea.storage.register.devices import Device
from aldea.storage.register.facts import NewFact
from aldea.storage.register.programmes import Programme, add_programme, find_programme
from aldea.storage.register.records import NewRecord, put_records
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
    from aldea.storage.register import Register, Unit

THIS_SITE = "this-machine"
THIS_DEVICE = "agent"
HISTORY_DAYS = 40
SEED = 1
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
        _seed_people_side(unit, since, clock.wall_ms())


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


def _seed_people_side(unit: Unit, since_ms: int, now_ms: int) -> None:
    """Put in the simulated programme and what its villages have reported, up to yesterday."""
    first = datetime.fromtimestamp(since_ms / 1000, UTC).date()
    last = datetime.fromtimestamp(now_ms / 1000, UTC).date() - timedelta(days=1)
    name, name_en = PROGRAMME_NAMES
    if find_programme(unit, PROGRAMME) is None:
        add_programme(unit, Programme(PROGRAMME, name, first, None, DUTIES, simulated=True, name_en=name_en))
    put_records(unit, [_record(found, now_ms) for site in registrations() for found in _reported(site, first, last)])


def _reported(site: SimulatedSite, first: date, last: date) -> list[SimulatedRecord]:
    # The day the site joined is cut by its own midnight: begin with the first whole one.
    return records_of(site, SEED, first + timedelta(days=1), last)


def _record(found: SimulatedRecord, now_ms: int) -> NewRecord:
    evening = datetime(found.day.year, found.day.month, found.day.day, 23, tzinfo=UTC)
    return NewRecord(
        site=found.site,
        form=found.form,
        form_version=load_forms()[found.form].version,
        event_date=found.day,
        payload=found.payload,
        created_ms=min(round(evening.timestamp() * 1000), now_ms),
        programme=PROGRAMME,
        source="simulator",
    )


def _facts(site: SimulatedSite) -> tuple[NewFact, ...]:
    people = population_of(site, SEED)
    return (
        *(NewFact(name, value) for name, value in site.facts().items()),
        NewFact("population", people.everybody),
        NewFact("population_15plus", people.adults),
        NewFact("programme", PROGRAMME, PROGRAMME),
    )


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
        facts=_facts(site),
        devices=(Device(site=site.id, id=site.device, kind="agent", enrolled_at_ms=since_ms, sees=dict(SEES)),),
    )


def local_zone() -> str:
    """Return the IANA name of this machine's time zone; UTC when it cannot be told."""
    try:
        return get_localzone_name() or "UTC"
    except (LookupError, ValueError):
        return "UTC"
