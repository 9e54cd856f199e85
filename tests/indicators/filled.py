"""A register with villages, and shorthands that put evidence into it as settlers and forms do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from sqlalchemy import insert

from aldea.indicators.periods import day_start_ms
from aldea.storage.register import Register
from aldea.storage.register.devices import Device
from aldea.storage.register.facts import NewFact
from aldea.storage.register.programmes import Programme, add_programme
from aldea.storage.register.records import NewRecord, Record, put_record
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.register.tables import slot_day, truth_interval
from aldea.storage.register.usage_days import UsageDay, write_usage_days
from indicators.world import DAY, Interval

LONG_AGO = day_start_ms(date(2025, 1, 1), "America/Merida")


def register_site(
    register: Register,
    name: str,
    *,
    zone: str = "America/Merida",
    since_ms: int = LONG_AGO,
    simulated: bool = False,
    facts: Mapping[str, Any] | None = None,
    programmes: Sequence[str] = (),
    clients: bool = True,
) -> None:
    known = {"state_name": "Yucatán", "inegi_code": "31079", "municipality": "Tekax", **(facts or {})}
    entered = [NewFact(key, value) for key, value in known.items()]
    entered += [NewFact("programme", programme, programme) for programme in programmes]
    site = Site(name, name.replace("-", " ").title(), zone, LONG_AGO, simulated=simulated)
    box = Device(name, "agent", "agent", LONG_AGO, sees={"wan_bytes": True, "clients": clients})
    with register.transaction() as unit:
        add_sites(unit, [SiteEntry(site, since_ms, SiteState.COMMISSIONED, tuple(entered), (box,))])


def settle(register: Register, intervals: Sequence[Interval], *, at_ms: int) -> None:
    """Keep settled truth: intervals cut at UTC midnight, and their days' slots with the moment of settling."""
    pieces = [piece for one in intervals for piece in _cut(one)]
    days = sorted({(piece.site, piece.start_ms // DAY) for piece in pieces})
    with register.transaction() as unit:
        for piece in pieces:
            unit.connection.execute(
                insert(truth_interval).values(
                    site=piece.site, start_ms=piece.start_ms, end_ms=piece.end_ms, state=piece.state, evidence={}
                )
            )
        for site, day in days:
            unit.connection.execute(
                insert(slot_day).values(site=site, day=day, revision=1, body=b"", positions={}, computed_ms=at_ms)
            )


def _cut(one: Interval) -> list[Interval]:
    edges = [one.start_ms, *range((one.start_ms // DAY + 1) * DAY, one.end_ms, DAY), one.end_ms]
    return [Interval(one.site, start, end, one.state) for start, end in pairwise(edges)]


def count_devices(register: Register, site: str, counts: Mapping[date, int | None], *, at_ms: int) -> None:
    found = [
        (
            UsageDay(site, day, count, 1.0 if count is not None else 0.2, "A" if count is not None else "O", 1, at_ms),
            False,
        )
        for day, count in counts.items()
    ]
    with register.transaction() as unit:
        write_usage_days(unit, found)


def enter(
    register: Register,
    site: str,
    form: str,
    day: date,
    payload: Mapping[str, Any],
    *,
    at_ms: int,
    programme: str = "",
    record_id: str | None = None,
) -> Record:
    new = NewRecord(site, form, "1", day, payload, at_ms, programme=programme, id=record_id)
    with register.transaction() as unit:
        return put_record(unit, new)


def plan(register: Register, name: str, duties: Mapping[str, str] | None = None, *, simulated: bool = False) -> None:
    with register.transaction() as unit:
        add_programme(unit, Programme(name, name.title(), date(2025, 1, 1), duties=duties or {}, simulated=simulated))
