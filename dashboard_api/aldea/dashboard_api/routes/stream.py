"""The live stream as server-sent events."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.live import TooManyClients
from aldea.dashboard_api.problems import Fault, Problem, bad_request
from aldea.dashboard_api.routes.documented import PROBLEM, RESPONSES
from aldea.dashboard_api.schemas import StreamQuery

router = APIRouter(prefix="/api/v1", tags=["live"])

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events as they happen"}
}


@router.get(
    "/stream",
    summary="What changes, as it changes",
    response_class=StreamingResponse,
    responses={**RESPONSES, **_STREAM, 503: PROBLEM},
)
async def stream(
    aldea: Aldea,
    request: Request,
    wanted: Annotated[StreamQuery, Query()],
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Send `site` (state or last arrival changed), `batch` (rows arrived), `incident` and `reset` (read all again).

    Ids are the feed's: a client that returns with `Last-Event-ID`, or starts with `after`, gets what it missed.
    """
    after = wanted.after
    if last_event_id:
        if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 18:
            sentence = "Last-Event-ID must be the number of an event of this stream: leave it out to start now."
            raise bad_request([Fault("Last-Event-ID", sentence)])
        after = int(last_event_id)
    renew = partial(_visible, aldea, request)
    visible = await run_in_threadpool(renew)
    try:
        client = aldea.live.subscribe(wanted.site, visible)
    except TooManyClients:
        raise Problem(503, "The live stream has as many clients as it serves: try again in a minute.") from None
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(aldea.live.follow(client, after, renew), media_type="text/event-stream", headers=headers)


def _visible(aldea: Context, request: Request) -> frozenset[str] | None:
    # Asked again while the stream lasts: sessions, tokens and grants end.
    visitor: Visitor = request.app.state.identify(request)
    with aldea.register.reading() as unit:
        return visible_sites(unit, visitor, aldea.clock.wall_ms())
