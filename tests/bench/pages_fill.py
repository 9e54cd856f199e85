"""What is in the register beside the sites, for the pages that are measured: truth, incidents, records."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import insert

from aldea.storage.register.incidents import Incident, IncidentState, put_incident
from aldea.storage.register.programmes import Programme, add_programme, assign_site
from aldea.storage.register.records import NewRecord, put_records
from aldea.storage.register.settling import Progress, mark_days, write_progress
from aldea.storage.register.tables import truth_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.storage.register import Register

PROGRAMME = "bench"
HOUR, DAY = 3_600_000, 86_400_000
SENTENCE = {"es": "No llega nada desde hace 6 h.", "en": "Nothing has arrived for 6 h."}


def fill_judged(register: Register, sites: Sequence[str], now: int) -> None:
    """Give each site two judged days with one outage each, one in twelve an open incident, one in two a past one."""
    days = (now // DAY - 1, now // DAY)
    for first in range(0, len(sites), 1000):
        part = sites[first : first + 1000]
        with register.transaction() as unit:
            rows = [row for place, site in enumerate(part) for day in days for row in _day(site, place, day, now)]
            unit.connection.execute(insert(truth_interval), rows)
            write_progress(unit, [Progress(site, now - 30 * DAY, now) for site in part])
            mark_days(unit, [(site, days[1]) for site in part])
            for place, site in enumerate(part):
                if place % 12 == 3:
                    put_incident(unit, _incident(site, now - 6 * HOUR, None))
                if place % 2 == 0:
                    put_incident(unit, _incident(site, now - 36 * HOUR, now - 30 * HOUR))


def is_in_programme(place: int) -> bool:
    """Return whether the site at a place is in the programme: one in eight, another of the villages each time round."""
    return (place + place // 76) % 8 == 0


def fill_records(register: Register, sites: Sequence[str], now: int) -> None:
    """Put one site in eight into a programme that asks for attendance each month; half of those have reported."""
    today = datetime.fromtimestamp(now / 1000, UTC).date()
    members = [site for place, site in enumerate(sites) if is_in_programme(place)]
    with register.transaction() as unit:
        duties = {"attendance": "month"}
        add_programme(unit, Programme(PROGRAMME, "Bench", today - timedelta(days=400), None, duties, simulated=True))
        for site in members:
            assign_site(unit, PROGRAMME, site, now - 390 * DAY)
        days = (today, today - timedelta(days=31))
        put_records(unit, [_attendance(site, day, now) for site in members[::2] for day in days])


def _attendance(site: str, day: date, now: int) -> NewRecord:
    people = [{"code": f"p{number}", "sex": "FM"[number % 2], "age_band": "25-44"} for number in range(12)]
    payload = {"activity": "Taller", "participants": people, "unkeyed": 3}
    return NewRecord(site, "attendance", "1", day, payload, now, programme=PROGRAMME)


def _day(site: str, place: int, day: int, now: int) -> list[dict[str, object]]:
    start = day * DAY
    end = max(min(start + DAY, now), start + 10)
    down = start + (end - start) * (1 + place % 5) // 7
    back = down + (end - down) // 9 + 1
    seen = {"sent": 1440, "received": 1433}
    return [
        _interval(site, start, down, "up", None, seen),
        _interval(site, down, back, "down", "backhaul", {"sent": 9, "received": 0}),
        _interval(site, back, end, "up", None, seen),
    ]


def _interval(
    site: str, start: int, end: int, state: str, cause: str | None, evidence: dict[str, int]
) -> dict[str, object]:
    return {"site": site, "start_ms": start, "end_ms": end, "state": state, "cause": cause, "evidence": evidence}


def _incident(site: str, opened: int, resolved: int | None) -> Incident:
    return Incident(
        id=f"{site}-{'open' if resolved is None else 'over'}",
        site=site,
        rule="site_silent",
        state=IncidentState.FIRING if resolved is None else IncidentState.RESOLVED,
        opened_ms=opened,
        cause="unknown",
        fired_ms=opened + HOUR // 4,
        resolved_ms=resolved,
        summary={"sentence": SENTENCE},
        simulated=True,
    )
