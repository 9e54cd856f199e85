"""Is the process there, is it ready, and what does it count."""

from __future__ import annotations

from fastapi import APIRouter, Response

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.health import delivery, not_ready
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.metrics import CONTENT_TYPE, exposition
from aldea.dashboard_api.problems import Fault, Problem
from aldea.dashboard_api.routes.documented import PROBLEM
from aldea.dashboard_api.schemas import HealthDocument, ReadyDocument
from aldea.storage.register.collectors import collector_statuses

router = APIRouter(tags=["operation"])


@router.get("/healthz", summary="The process answers", responses={"default": PROBLEM})
async def healthz(aldea: Aldea) -> HealthDocument:
    """Answer as long as the process does; says nothing of the stores."""
    return HealthDocument(status="ok", version=aldea.version)


@router.get(
    "/readyz", summary="The stores answer and a collector delivers", responses={503: PROBLEM, "default": PROBLEM}
)
def readyz(aldea: Aldea) -> ReadyDocument:
    """Answer 503 with what is not ready: the register, the series store, the collector."""
    now = aldea.clock.wall_ms()
    found = not_ready(aldea.register, aldea.series, now, aldea.settings)
    if found:
        faults = [Fault(part, sentence) for part, sentence in found]
        raise Problem(503, "Not ready: " + "; ".join(sentence for _, sentence in found) + ".", faults)
    with aldea.register.reading() as unit:
        since = delivery(collector_statuses(unit), now, aldea.settings).since_ms
    age = None if since is None else max(0, now - since) / 1000
    return ReadyDocument(status="ready", last_commit=iso(since), last_commit_age_seconds=age)


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "Prometheus text format"}, "default": PROBLEM},
)
def metrics(aldea: Aldea, visitor: SignedIn) -> Response:
    """Return sites by state (those the token may see), what the collectors count, and this API's own traffic."""
    return Response(exposition(aldea, visitor), media_type=CONTENT_TYPE)
