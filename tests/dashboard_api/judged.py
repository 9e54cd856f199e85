"""What a settler and an alert engine write, for the villages of `village`: intervals, incidents, notifications."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert

from aldea.storage.register.incident_answers import acknowledge, comment, set_owner
from aldea.storage.register.incidents import Incident, IncidentState, add_incident_event, put_incident
from aldea.storage.register.maintenance import Maintenance, add_maintenance
from aldea.storage.register.notifications import Notification, enqueue
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import truth_interval
from dashboard_api.village import DAY, HOUR, MINUTE, NOW_MS, Village

BACKHAUL = {"sent": 240, "received": 3, "gateway": "answers"}
POWER = {"hole": [0, 1], "router": "restarted", "witness": "router", "neighbours": ["aldea-02"]}
HOLE = {"reason": "power_cut_or_agent_unplugged", "hole": [0, 1]}
Piece = tuple[int, int, str, str | None, dict[str, Any]]

REASON = {
    "es": "No llega nada desde las 05:12 (hace 5 h 48 min); el agente envía cada 5 min.",
    "en": "Nothing has arrived since 05:12 (5 h 48 min ago); its agent sends every 5 min.",
}


def put_intervals(unit: Unit, site: str, pieces: list[Piece]) -> None:
    """Store intervals, cut at UTC midnight as a settler does."""
    rows: list[dict[str, Any]] = []
    for start, end, state, cause, evidence in pieces:
        at = start
        while at < end:
            cut = min(end, (at // DAY + 1) * DAY)
            rows.append(
                {"site": site, "start_ms": at, "end_ms": cut, "state": state, "cause": cause, "evidence": evidence}
            )
            at = cut
    unit.connection.execute(insert(truth_interval), rows)


def a_month(until_ms: int = NOW_MS - 20 * MINUTE) -> list[Piece]:
    """Thirty days with an outage of each kind in the last of them."""
    last = NOW_MS - DAY
    return [
        (NOW_MS - 30 * DAY, last + 2 * HOUR, "up", None, {"sent": 100_000, "received": 99_500}),
        (last + 2 * HOUR, last + 3 * HOUR, "down", "backhaul", BACKHAUL),
        (last + 3 * HOUR, last + 8 * HOUR, "up", None, {"sent": 3000, "received": 2990, "degraded_slots": 2}),
        (last + 8 * HOUR, last + 8 * HOUR + 20 * MINUTE, "down", "power", POWER),
        (last + 8 * HOUR + 20 * MINUTE, last + 10 * HOUR, "unknown", None, HOLE),
        (last + 10 * HOUR, last + 18 * HOUR, "up", None, {"sent": 4000, "received": 4000}),
        (last + 18 * HOUR, last + 20 * HOUR, "planned", "planned", {"maintenance": ["m1"]}),
        (last + 20 * HOUR, until_ms, "up", None, {"sent": 2000, "received": 1990}),
    ]


def incident(number: int, **other: Any) -> Incident:
    values: dict[str, Any] = {
        "id": f"escuela-01-20261122-{number}",
        "site": "escuela-01",
        "rule": "site-silent",
        "state": IncidentState.FIRING,
        "cause": "backhaul",
        "opened_ms": NOW_MS - 6 * HOUR,
        "fired_ms": NOW_MS - 6 * HOUR + 15 * MINUTE,
        "summary": {"sentence": REASON},
    }
    return Incident(**(values | other))


def judge(village: Village) -> None:
    """A month of intervals, an open and an old incident of the real site, and simulated ones, one of a group."""
    with village.register.transaction() as unit:
        put_intervals(unit, "escuela-01", a_month())
        for site in ("aldea-01", "aldea-02", "aldea-04", "aldea-09"):
            put_intervals(unit, site, a_month(NOW_MS - 5 * HOUR))
        put_incident(unit, incident(1))
        for kind, minutes in (("opened", 0), ("fired", 15)):
            add_incident_event(unit, incident(1).id, NOW_MS - 6 * HOUR + minutes * MINUTE, kind, {"sentence": REASON})
        acknowledge(unit, incident(1).id, "demo", NOW_MS - 5 * HOUR, "Voy mañana a las nueve.")
        comment(unit, incident(1).id, "demo", NOW_MS - 4 * HOUR, "El proveedor confirma la falla.\nFolio 4471.")
        set_owner(unit, incident(1).id, "demo", NOW_MS - 4 * HOUR, "demo")
        old = incident(
            2,
            state=IncidentState.RESOLVED,
            cause="power",
            opened_ms=NOW_MS - 3 * DAY,
            resolved_ms=NOW_MS - 3 * DAY + 95 * MINUTE,
            revision=1,
        )
        put_incident(unit, old)
        group = incident(
            3,
            id="g-20261122-1",
            site=None,
            rule="group",
            cause="shared_upstream",
            simulated=True,
            summary={"sentence": REASON, "sites": ["aldea-04", "aldea-09"]},
        )
        put_incident(unit, group)
        for number, site in ((4, "aldea-04"), (5, "aldea-09")):
            part = incident(number, id=f"{site}-20261122-1", site=site, simulated=True, parent=group.id)
            put_incident(unit, part)
        enqueue(unit, [_told(1, "correo"), _told(2, "telegram")])
        for at, announced in ((2 * DAY, 3 * DAY), (-5 * HOUR, 1 * HOUR)):
            window = Maintenance(
                site="escuela-01",
                from_ms=NOW_MS + at,
                to_ms=NOW_MS + at + 6 * HOUR,
                announced_ms=NOW_MS - announced,
                reason="Cambio de antena",
                author="demo",
            )
            add_maintenance(unit, window)


def _told(number: int, channel: str) -> Notification:
    return Notification(
        key=f"{incident(1).id}:fired:{channel}:tecnica",
        incident=incident(1).id,
        site="escuela-01",
        kind="fired",
        recipient="demo",
        contact=number,
        channel=channel,
        language="es",
        subject="Tekax 1: sin conexión",
        body="",
        short="",
        created_ms=NOW_MS - 5 * HOUR,
        not_before_ms=NOW_MS - 5 * HOUR,
        expires_ms=NOW_MS + DAY,
        collapse_key="x",
    )
