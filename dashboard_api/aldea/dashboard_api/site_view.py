"""All that is known of one site now, read once for the API and for its page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import can_write
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.directory import state_of
from aldea.dashboard_api.problems import Problem
from aldea.model.liveness import SiteState
from aldea.model.sample import is_id
from aldea.model.series import Latest, StoreUnavailable
from aldea.storage.register.devices import Device, devices_of
from aldea.storage.register.facts import Fact, facts_at
from aldea.storage.register.listing import SiteOverview, site_overview
from aldea.storage.register.pulses import site_pulses
from aldea.storage.register.register import Unit
from aldea.storage.register.status import SiteStatus, find_status
from aldea.storage.register.streams import Stream, streams_of


@dataclass(frozen=True, slots=True)
class SiteView:
    """One site: its overview, live state, devices, streams, facts, and the newest row of each series.

    `series_answers` False: the series store does not, and `latest` is what the register remembers.
    """

    overview: SiteOverview
    state: SiteState
    devices: Sequence[Device]
    statuses: Mapping[str, SiteStatus]
    streams: Sequence[Stream]
    facts: Sequence[Fact]
    latest: Sequence[Latest]
    series_answers: bool


def no_such_site(site_id: str) -> Problem:
    """Return the problem for a site that is not registered."""
    return Problem(404, f"There is no site {site_id[:60]!r}: /api/v1/sites lists those there are.")


def known_site(context: Context, unit: Unit, site_id: str, visitor: Visitor) -> SiteOverview:
    """Return a site's overview. Raises Problem (404) when it is not registered, or not for this visitor."""
    now = context.clock.wall_ms()
    found = site_overview(unit, site_id, now) if is_id(site_id) else None
    if found is None or not can_write(unit, visitor, Permission.VIEW, site_id, now):
        raise no_such_site(site_id)
    return found


def view_site(context: Context, site_id: str, visitor: Visitor) -> SiteView:
    """Read everything about a site. Raises Problem (404) when it is not registered, or not for this visitor."""
    now = context.clock.wall_ms()
    with context.register.reading() as unit:
        overview = known_site(context, unit, site_id, visitor)
        pulse = site_pulses(unit, sites=[site_id])[0]
        devices = devices_of(unit, site_id)
        statuses = {status.device: status for status in find_status(unit, site_id)}
        streams = streams_of(unit, site_id)
        facts = facts_at(unit, site_id, now)
    try:
        latest, answers = context.series.latest(site_id), True
    except StoreUnavailable:
        latest, answers = remembered(statuses.values()), False
    latest = sorted(latest, key=lambda row: (row.measurement, row.tags, row.device))
    return SiteView(overview, state_of(pulse, now), devices, statuses, streams, facts, latest, answers)


def remembered(statuses: Iterable[SiteStatus]) -> list[Latest]:
    """Return the newest values that the register keeps, whose keys are `measurement|tag=value|…`."""
    found: list[Latest] = []
    for status in statuses:
        for key, newest in status.latest.items():
            measurement, *pairs = key.split("|")
            tags = tuple(sorted((name, value) for name, _, value in (pair.partition("=") for pair in pairs)))
            found.append(Latest(status.device, measurement, tags, newest.event_ms, newest.fields))
    return found
