"""The page that takes a file of records: look first, then nothing or all good rows."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from aldea.dashboard_api.access.scope import scope_of
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.record_files import MAX_BYTES, FileError, Reviewed, review, store_all, template
from aldea.dashboard_api.record_intake import covers, form_called
from aldea.dashboard_api.web.record_words import form_texts
from aldea.model.forms import load_forms
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site

router = APIRouter(include_in_schema=False)

SHOWN_LINES = 50


@router.get("/records/import")
def import_page(aldea: Aldea, request: Request, form: str = "attendance") -> Response:
    """Show where a file is taken."""
    definition = form_called(form)
    return aldea.pages.render(request, "record_import.html", **_values(aldea, request, definition.id))


@router.get("/records/import/{form}.csv")
def import_template(form: str) -> Response:
    """Return an empty file for a form."""
    name = form_called(form).id
    headers = {"Content-Disposition": f'attachment; filename="aldea-{name}.csv"'}
    return Response(template(form_called(form)), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/records/import")
def import_file(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    file: Annotated[UploadFile, File()],
    form: Annotated[str, Form()] = "",
    bad: Annotated[str, Form()] = "nothing",
) -> Response:
    """Import a file: nothing when a row is bad, or all good rows, as was chosen."""
    definition = form_called(form)
    language, now = aldea.pages.language(request).code, aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    content = file.file.read(MAX_BYTES + 1)
    if not content or len(content) > MAX_BYTES:
        error = N_("No file came: choose one.") if not content else N_("The file is larger than 5 MB: divide it.")
        values = _values(aldea, request, definition.id, error=shown.say(error), bad=bad)
        return aldea.pages.render(request, "record_import.html", 400, **values)
    try:
        with aldea.register.transaction() as unit:
            found = review(
                unit,
                definition,
                content,
                may_write=may_write(unit, visitor, now),
                author=visitor.person,
                now_ms=now,
                language=language,
            )
            taken = not found.bad or bad == "good"
            stored = store_all(unit, found.good) if taken else None
    except FileError as error:
        values = _values(aldea, request, definition.id, error=str(error), bad=bad)
        return aldea.pages.render(request, "record_import.html", 400, **values)
    values = _values(aldea, request, definition.id, found=found, stored=stored, bad=bad)
    return aldea.pages.render(request, "record_import.html", 400 if stored is None else 200, **values)


def may_write(unit: Unit, visitor: Visitor, now_ms: int) -> Any:
    """Return what says whether a visitor may enter records of a site for a programme."""
    return lambda site, programme: _covered(unit, visitor, site, programme, now_ms)


def _covered(unit: Unit, visitor: Visitor, site: Site, programme: str, now_ms: int) -> bool:
    return covers(visitor, scope_of(unit, site.id, now_ms), programme)


def _values(
    aldea: Context,
    request: Request,
    form: str,
    *,
    error: str = "",
    found: Reviewed | None = None,
    stored: tuple[int, int] | None = None,
    bad: str = "nothing",
) -> dict[str, Any]:
    language = aldea.pages.language(request).code
    return {
        "forms": [(item.id, form_texts(item, language)["title"]) for item in load_forms().values()],
        "form": form,
        "error": error,
        "found": found,
        "stored": stored,
        "bad": bad,
        "bad_lines": () if found is None else found.bad[:SHOWN_LINES],
        "more_bad": 0 if found is None else max(len(found.bad) - SHOWN_LINES, 0),
    }
