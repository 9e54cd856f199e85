"""`/repaired`: "I have repaired it"; and what the server says to that within ten minutes."""

from __future__ import annotations

import logging
from typing import Any

import bottle

from aldea.agents.checkup.findings import State
from aldea.agents.page.asking import asks_language, field, go_to
from aldea.agents.page.rendering import language_of, pages_of, render
from aldea.agents.page.repairing import TooMany
from aldea.agents.page.repairs import LONGEST_NOTE, Repair, RepairState
from aldea.agents.page.view import BoxView

_LOG = logging.getLogger(__name__)
REFRESH_SECONDS = 5


def add_routes(app: Any, view: BoxView) -> None:
    """Serve the form and its answers."""
    app.route("/repaired", "GET", lambda: _form(view))
    app.route("/repaired", "POST", lambda: _report(view))
    app.route("/repaired/<repair:re:[0-9a-f]{32}>", "GET", lambda repair: _answer(view, repair))


def _form(view: BoxView, note: str = "") -> str:
    last = view.repairing.book.last()
    return render(
        bottle.request,
        "repaired.html",
        can_tell=not view.without_outbox,
        last=last,
        note=note,
        ago=_ago(view, last),
        longest=LONGEST_NOTE,
    )


def _ago(view: BoxView, repair: Repair | None) -> int:
    return 0 if repair is None else view.repairing.waited_ms(repair)


def _report(view: BoxView) -> Any:
    if view.without_outbox:
        return go_to("/repaired")
    if asks_language(bottle.request):
        return _form(view, field(bottle.request, "note"))
    try:
        trusted = pages_of(bottle.request).gate.is_signed_in(bottle.request)
        repair, is_new = view.repairing.report(field(bottle.request, "note"), trusted=trusted)
    except TooMany:
        return go_to("/repaired", "too_many_reports")
    except OSError as error:
        _LOG.error("a repair cannot be kept: %s", error)
        return go_to("/repaired", "not_kept")
    return go_to(f"/repaired/{repair.id}", None if is_new else "reported_already")


def _answer(view: BoxView, repair_id: str) -> Any:
    repair = view.repairing.book.find(repair_id)
    if repair is None:
        return bottle.HTTPError(404)
    pending = view.repairing.is_pending(repair)
    first = _first_wrong(repair)
    language = language_of(bottle.request)
    return render(
        bottle.request,
        "repair.html",
        refresh_seconds=REFRESH_SECONDS if pending else None,
        repair=repair,
        state=_shown_state(repair, pending=pending),
        sentence=_bare(repair.sentences.get(language, "")),
        own=None if first is None else first.get(f"what_{language}", ""),
        checked=bool(repair.findings),
        ago=_ago(view, repair),
        minutes_left=max(1, 10 - _ago(view, repair) // 60_000),
    )


def _shown_state(repair: Repair, *, pending: bool) -> str:
    """Return the state to show: one that waited too long is `unheard`."""
    if repair.state in {RepairState.CHECKING, RepairState.SENT} and not pending:
        return "unheard"
    return repair.state.value


def _bare(sentence: str) -> str:
    """Return the server's sentence without the word that the page's heading says already."""
    for heading in ("Confirmado: ", "Confirmed: ", "Todavía no: ", "Not yet: "):
        if sentence.startswith(heading):
            rest = sentence.removeprefix(heading)
            return rest[:1].upper() + rest[1:]
    return sentence


def _first_wrong(repair: Repair) -> dict[str, Any] | None:
    return next((item for item in repair.findings if item.get("state") == State.WRONG.value), None)
