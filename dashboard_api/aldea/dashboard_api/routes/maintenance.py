"""Maintenance windows: the list that decides what alerts nobody and what counts as planned."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.instants import LATEST_MS, instant_ms, iso
from aldea.dashboard_api.maintenance_view import Announced, announce, end_early, faults, windows
from aldea.dashboard_api.problems import Fault, bad_request
from aldea.dashboard_api.routes.documented import PROBLEM, RESPONSES, SITE_RESPONSES
from aldea.dashboard_api.truth_schemas import (
    MaintenanceDocument,
    MaintenanceListDocument,
    MaintenanceQuery,
    NewMaintenance,
)
from aldea.storage.register.maintenance import Maintenance

router = APIRouter(prefix="/api/v1", tags=["maintenance"])


@router.get("/maintenance", summary="Maintenance windows", responses=RESPONSES)
def list_maintenance(
    aldea: Aldea, visitor: SignedIn, wanted: Annotated[MaintenanceQuery, Query()]
) -> MaintenanceListDocument:
    """List the windows that touch a time, real or simulated ones."""
    now = aldea.clock.wall_ms()
    times = _times({"start": wanted.start} | ({} if wanted.end is None else {"end": wanted.end}), now)
    with aldea.register.reading() as unit:
        found = windows(unit, visitor, times["start"], times.get("end", LATEST_MS), now)
    items = [_document(one) for one in found if one.simulated is wanted.simulated]
    return MaintenanceListDocument(items=items)


@router.post("/maintenance", status_code=201, summary="Announce maintenance", responses={**RESPONSES, 403: PROBLEM})
def add(aldea: Aldea, visitor: SignedIn, new: NewMaintenance) -> MaintenanceDocument:
    """Announce work. Only what is announced 48 hours before counts as planned; else downtime stays downtime."""
    now = aldea.clock.wall_ms()
    times = _times({"start": new.start, "end": new.end}, now)
    wanted = Announced(
        (new.site or "").strip(),
        (new.programme or "").strip(),
        (new.region or "").strip(),
        times["start"],
        times["end"],
        new.reason,
    )
    with aldea.register.transaction() as unit:
        wrong = faults(unit, visitor, wanted, now)
        if wrong:
            raise bad_request([Fault(name, f"{name}: {sentence}") for name, sentence in wrong.items()])
        return _document(announce(unit, visitor, wanted, now))


@router.post(
    "/maintenance/{maintenance}/end", summary="End maintenance early", responses={**SITE_RESPONSES, 403: PROBLEM}
)
def end(aldea: Aldea, visitor: SignedIn, maintenance: str) -> MaintenanceDocument:
    """Let a window end now; one that has not begun never happens, one that is over stays as it was."""
    with aldea.register.transaction() as unit:
        return _document(end_early(unit, visitor, maintenance, aldea.clock.wall_ms()))


def _times(texts: dict[str, str], now_ms: int) -> dict[str, int]:
    found: dict[str, int] = {}
    wrong: list[Fault] = []
    for name, text in texts.items():
        try:
            found[name] = instant_ms(text, now_ms)
        except ValueError as error:
            wrong.append(Fault(name, f"{name} {error}."))
    if wrong:
        raise bad_request(wrong)
    return found


def _document(one: Maintenance) -> MaintenanceDocument:
    return MaintenanceDocument(
        id=one.id,
        site=one.site,
        programme=one.programme,
        region=one.region,
        start=str(iso(one.from_ms)),
        end=str(iso(one.to_ms)),
        announced=str(iso(one.announced_ms)),
        counts_as_planned=one.counts_as_planned,
        reason=one.reason,
        author=one.author,
        simulated=one.simulated,
    )
