"""The little that says whether a site is alive, for every site in one query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, select

from aldea.storage.register.register import Unit
from aldea.storage.register.sites import folded
from aldea.storage.register.statements import chunks
from aldea.storage.register.tables import device, site, site_status


class Pulse(NamedTuple):
    """When a site was last heard (any device), and what its primary device declares and hints.

    `online`: what presence says, None for nothing. A tuple, because ten thousand are made for each list.
    """

    site: str
    name: str
    simulated: bool
    last_arrival_ms: int | None
    interval_seconds: float | None
    online: bool | None


def site_pulses(
    unit: Unit,
    *,
    simulated: bool | None = None,
    search: str | None = None,
    sites: Sequence[str] | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> list[Pulse]:
    """Return the pulse of every site by id, or of those a filter or a list of ids chooses.

    `after` and `limit` cut a page out of them; they do not go with `sites`.
    """
    wanted = _query().limit(limit)
    if after is not None:
        wanted = wanted.where(site.c.id > after)
    if simulated is not None:
        wanted = wanted.where(site.c.simulated == simulated)
    if search:
        wanted = wanted.where(site.c.search.contains(folded(search), autoescape=True))
    if sites is None:
        return _pulses(unit, wanted)
    found: list[Pulse] = []
    for chunk in chunks(sorted(set(sites))):
        found += _pulses(unit, wanted.where(site.c.id.in_(chunk)))
    return found


def _query() -> Select[Any]:
    arrival = site_status.c.last_arrival_ms
    mine = and_(device.c.site == site_status.c.site, device.c.id == site_status.c.device)
    # One join after the other: nested, SQLite puts the inner one aside first.
    joined = site.outerjoin(site_status, site_status.c.site == site.c.id)
    joined = joined.outerjoin(device, and_(mine, device.c.is_primary))
    primary = device.c.id.is_not(None)
    return (
        select(
            site.c.id,
            site.c.name,
            site.c.simulated,
            func.max(arrival),
            func.max(site_status.c.interval_seconds).filter(primary),
            func.max(site_status.c.presence).filter(primary),
        )
        .select_from(joined)
        .group_by(site.c.id, site.c.name, site.c.simulated)
        .order_by(site.c.id)
    )


def _pulses(unit: Unit, wanted: Select[Any]) -> list[Pulse]:
    return [
        Pulse(key, name, bool(simulated), arrival, interval, _ONLINE.get(presence))
        for key, name, simulated, arrival, interval, presence in unit.connection.execute(wanted).all()
    ]


_ONLINE = {"online": True, "offline": False}
