"""From the register's values to the API's documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.schemas import (
    CompletenessDocument,
    DeviceDocument,
    GapDocument,
    LatestDocument,
    SiteDocument,
    StreamDocument,
)
from aldea.model.liveness import SiteState
from aldea.model.series import Latest
from aldea.storage.register.devices import Device
from aldea.storage.register.listing import SiteOverview
from aldea.storage.register.status import SiteStatus
from aldea.storage.register.streams import Completeness, Stream


def site_members(found: SiteOverview, state: SiteState) -> dict[str, Any]:
    """Return the members that every document of a site has."""
    site, facts = found.site, found.facts
    texts = ("municipality", "state_name", "inegi_code", "provider", "technology", "organisation")
    return {
        "id": site.id,
        "name": site.name,
        "state": state,
        "simulated": site.simulated,
        "last_seen": iso(found.last_arrival_ms),
        "last_event": iso(found.last_event_ms),
        "settled_until": iso(found.settled_until_ms),
        "lifecycle": None if found.state is None else found.state.value,
        "time_zone": site.timezone,
        "latitude": site.latitude,
        "longitude": site.longitude,
        "programmes": [str(value) for value in facts.get("programme", ())],
        "completeness": CompletenessDocument(**completeness_members(found.completeness)),
        **{name: _text(facts.get(name)) for name in texts},
    }


def site_document(found: SiteOverview, state: SiteState) -> SiteDocument:
    """Return a site as lists show it."""
    return SiteDocument(**site_members(found, state))


def completeness_members(found: Completeness) -> dict[str, Any]:
    """Return the counts and the ratio."""
    return {
        "expected_rows": found.expected_rows,
        "stored_rows": found.stored_rows,
        "explained_rows": found.explained_rows,
        "open_rows": found.open_rows,
        "lost_rows": found.lost_rows,
        "ratio": found.ratio,
    }


def completeness_of_stream(found: Stream) -> Completeness:
    """Return the completeness of one stream."""
    return Completeness(found.site, found.stored_rows, found.explained_rows, found.lost_rows, found.open_rows)


def stream_document(found: Stream) -> StreamDocument:
    """Return the coverage of one outbox."""
    return StreamDocument(
        **completeness_members(completeness_of_stream(found)),
        device=found.device,
        epoch=found.epoch,
        first_seq=found.first_seq,
        last_seq=found.last_seq,
        contiguous_until=iso(found.contiguous_event_ms),
        gaps=[GapDocument(first_seq=g.first_seq, last_seq=g.last_seq, state=g.state.value) for g in found.gaps],
    )


def device_document(device: Device, statuses: Mapping[str, SiteStatus]) -> DeviceDocument:
    """Return a device with what its agent last said of itself."""
    status = statuses.get(device.id, SiteStatus(device.site, device.id))
    return DeviceDocument(
        id=device.id,
        kind=device.kind,
        primary=device.is_primary,
        sees=dict(device.sees),
        enrolled=iso(device.enrolled_at_ms),
        retired=iso(device.retired_at_ms),
        last_seen=iso(status.last_arrival_ms),
        presence=status.presence.value,
        send_seconds=status.interval_seconds,
        boot_id=status.boot_id,
        clock=status.clock_state,
        agent_version=status.agent_version,
    )


def latest_document(found: Latest) -> LatestDocument:
    """Return the newest row of a series."""
    return LatestDocument(
        device=found.device,
        measurement=found.measurement,
        tags=dict(found.tags),
        time=iso(found.time_ms),
        fields=dict(found.fields),
    )


def _text(value: object) -> str | None:
    return None if value is None else str(value)
