"""Pages to import sites: upload, look at what it would do, confirm. Nothing changes before that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import ModuleType
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.web.manage_sites import read_day
from aldea.dashboard_api.web.manage_words import FACT_LABELS
from aldea.storage.importing.applying import apply_plan
from aldea.storage.importing.files import rejects_csv, template_csv
from aldea.storage.importing.plan import Change, Plan, Wish, make_plan
from aldea.storage.importing.tables import MOST_BYTES, read_table
from aldea.storage.importing.words import TOO_LARGE, Fault, TableError
from aldea.storage.register.audit import audit
from aldea.storage.register.register import Unit
from aldea.storage.register.uploads import Upload, find_upload, forget_upload, keep_upload

router = APIRouter(include_in_schema=False)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 200
NO_DAY = N_("“%(value)s” is not a date: write the day from which it holds as 2026-03-01.")
GONE = N_("That file is no longer here: files wait for an hour. Upload it again.")


@router.get("/admin/import")
def start(aldea: Aldea, request: Request) -> Response:
    """Show where a table is uploaded."""
    return _start(aldea, request, ())


@router.get("/admin/import/template.{kind}")
def template(aldea: Aldea, request: Request, kind: str) -> Response:
    """Give the empty table."""
    if kind not in ("xlsx", "csv"):
        raise Problem(404, "There is a template.xlsx and a template.csv.")
    code = aldea.pages.language(request).code
    content = _workbooks().template_xlsx(code) if kind == "xlsx" else template_csv(code)
    return _file(content, f"aldea-{'sitios' if code == 'es' else 'sites'}.{kind}")


@router.post("/admin/import")
def upload(aldea: Aldea, request: Request, visitor: SignedIn, file: UploadFile | None = None) -> Response:
    """Take a file and lead to what it would do."""
    now = aldea.clock.wall_ms()
    content = b"" if file is None else file.file.read(MOST_BYTES + 1)
    try:
        if len(content) > MOST_BYTES:
            most = f"{MOST_BYTES // 1024 // 1024} MB"
            raise TableError(Fault(0, "", TOO_LARGE, {"size": f"> {most}", "most": most}))
        read_table(content)
    except TableError as error:
        return _start(aldea, request, error.faults)
    with aldea.register.transaction() as unit:
        name = (file.filename if file is not None else None) or "table"
        made = keep_upload(unit, _owner(visitor), name, content, now)
    return RedirectResponse(f"/admin/import/{made}", 303)


@router.get("/admin/import/{upload}")
def preview(
    aldea: Aldea, request: Request, visitor: SignedIn, upload: str, from_day: str = "", fixes: str = ""
) -> Response:
    """Show what the import would do."""
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        found = find_upload(unit, upload, _owner(visitor), now)
        if found is None:
            return _gone(aldea, request)
        try:
            plan, day = _plan(aldea, unit, visitor, found, from_day, accept=bool(fixes))
        except TableError as error:
            return _start(aldea, request, error.faults)
    return aldea.pages.render(request, "import_preview.html", **_values(aldea, request, plan, found, day, fixes))


@router.post("/admin/import/{upload}")
def confirm(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    upload: str,
    from_day: Annotated[str, Form(max_length=20)] = "",
    fixes: Annotated[str, Form(max_length=4)] = "",
    good_rows: Annotated[str, Form(max_length=4)] = "",
) -> Response:
    """Do it: all lines, or all good ones if that was chosen."""
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    with aldea.register.transaction() as unit:
        found = find_upload(unit, upload, _owner(visitor), now)
        if found is None:
            return _gone(aldea, request)
        try:
            plan, _ = _plan(aldea, unit, visitor, found, from_day, accept=bool(fixes))
        except TableError as error:
            return _start(aldea, request, error.faults)
        if plan.refused and not good_rows:
            response = RedirectResponse(f"/admin/import/{upload}?from_day={from_day[:10]}&fixes={fixes[:1]}", 303)
            flash(response, shown.say(N_("Nothing was changed: mend the lines, or choose to take the good ones.")))
            return response
        apply_plan(unit, plan.good, now)
        detail = {"added": len(plan.added), "changed": len(plan.changed), "refused": len(plan.refused)}
        audit(unit, visitor.person, "sites_imported", found.name, detail, now)
        forget_upload(unit, upload)
    response = RedirectResponse("/admin/sites", 303)
    flash(response, shown.say(N_("Imported: %(added)s added, %(changed)s changed.")) % detail)
    return response


@router.get("/admin/import/{upload}/rejects.{kind}")
def rejects(
    aldea: Aldea, request: Request, visitor: SignedIn, upload: str, kind: str, from_day: str = "", fixes: str = ""
) -> Response:
    """Give the refused lines with their reasons."""
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    with aldea.register.reading() as unit:
        found = find_upload(unit, upload, _owner(visitor), now)
        if found is None or kind not in ("xlsx", "csv"):
            return _gone(aldea, request)
        try:
            plan, _ = _plan(aldea, unit, visitor, found, from_day, accept=bool(fixes))
        except TableError as error:
            return _start(aldea, request, error.faults)
    make = _workbooks().rejects_xlsx if kind == "xlsx" else rejects_csv
    name = "rechazados" if shown.code == "es" else "refused"
    return _file(make(plan, shown.code, shown.say), f"{name}.{kind}")


def _plan(
    aldea: Context, unit: Unit, visitor: Visitor, found: Upload, from_day: str, *, accept: bool
) -> tuple[Plan, str]:
    """Return what the import would do, and the day as it stands in the form: empty is today, at each site.

    A day of the server's own would be tomorrow's in the villages for a part of each evening.
    """
    now = aldea.clock.wall_ms()
    day = read_day(from_day, date.min)
    if day is None:
        raise TableError(Fault(0, "", NO_DAY, {"value": from_day[:20]}))
    mine = visible_sites(unit, visitor, now, Permission.MANAGE_SITES)
    wish = Wish(
        from_day=None if day == date.min else day,
        accept_fixes=accept,
        may_add=visitor.everywhere(Permission.MANAGE_SITES),
        may_change=lambda site: mine is None or site in mine,
    )
    return make_plan(unit, read_table(found.content), wish, now), "" if wish.from_day is None else day.isoformat()


def _values(aldea: Context, request: Request, plan: Plan, found: Upload, day: str, fixes: str) -> Mapping[str, Any]:
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    return {
        "upload": found,
        "plan": plan,
        "day": day,
        "fixes": fixes,
        "added": plan.added[:SHOWN],
        "changed": [
            (
                item,
                [(shown.say(FACT_LABELS.get(c.key, c.key)), _short(c.before), _short(c.after)) for c in item.changes],
            )
            for item in plan.changed[:SHOWN]
        ],
        "refused": [
            (item.line, [(fault.sentence(shown.say), fault.fix) for fault in item.faults])
            for item in plan.refused[:SHOWN]
        ],
        "offered": any(fault.fix is not None for item in plan.refused for fault in item.faults),
    }


def _both(change: Change) -> tuple[str, str]:
    return _short(change.before), _short(change.after)


def _short(value: Any) -> str:
    text = "\N{EN DASH}" if value is None else ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def _start(aldea: Context, request: Request, faults: tuple[Fault, ...]) -> Response:
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    said = " ".join(fault.sentence(shown.say) for fault in faults)
    return aldea.pages.render(request, "import.html", 400 if faults else 200, error=said)


def _gone(aldea: Context, request: Request) -> Response:
    response = RedirectResponse("/admin/import", 303)
    flash(response, aldea.pages.shown(request, aldea.clock.wall_ms()).say(GONE))
    return response


def _owner(visitor: Visitor) -> str:
    return visitor.person or "demo"


def _file(content: bytes, name: str) -> Response:
    kind = XLSX if name.endswith(".xlsx") else "text/csv; charset=utf-8"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)


def _workbooks() -> ModuleType:
    """Return what writes workbooks: its library is slow to load, and most days nobody imports."""
    from aldea.storage.importing import workbooks  # noqa: PLC0415 - see above

    return workbooks
