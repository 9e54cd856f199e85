"""Forms that give a site's devices their access, replace them, and end it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import sentence
from aldea.dashboard_api.web.manage_sites import managed_site
from aldea.dashboard_api.web.own_address import own_address
from aldea.model.said import in_language
from aldea.storage.register import RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.enrolment import Code, issue_code
from aldea.storage.register.register import Unit
from aldea.storage.register.replacing import replace_device, revoke_device

router = APIRouter(include_in_schema=False)

Device = Annotated[str, Form(max_length=39)]
Answer = Callable[[], Response]


@router.post("/admin/sites/{site}/enrol")
def enrol(aldea: Aldea, request: Request, visitor: SignedIn, site: str, device: Device = "agent") -> Response:
    """Show a one-time code for a device. It is shown this once."""

    def deed(unit: Unit, now: int) -> Answer:
        code = issue_code(unit, site, device.strip(), now, visitor.label)
        audit(unit, visitor.person, "code_issued", f"{site}/{code.device}", {}, now)
        return lambda: _code(aldea, request, code)

    return _done(aldea, request, visitor, site, deed)


@router.post("/admin/sites/{site}/replace")
def replace(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    site: str,
    device: Device,
    disk_lost: Annotated[bool, Form()] = False,  # noqa: FBT002 - a box that isn't ticked sends nothing
) -> Response:
    """End a device's access and show the code for what takes its place."""

    def deed(unit: Unit, now: int) -> Answer:
        code = replace_device(unit, site, device, now, visitor.label, disk_lost=disk_lost)
        audit(unit, visitor.person, "device_replaced", f"{site}/{device}", {"disk_lost": disk_lost}, now)
        return lambda: _code(aldea, request, code, old_disk=not disk_lost)

    return _done(aldea, request, visitor, site, deed)


@router.post("/admin/sites/{site}/revoke")
def revoke(aldea: Aldea, request: Request, visitor: SignedIn, site: str, device: Device) -> Response:
    """End a device's access."""

    def deed(unit: Unit, now: int) -> Answer:
        revoke_device(unit, site, device, now)
        audit(unit, visitor.person, "device_revoked", f"{site}/{device}", {}, now)
        sentence = aldea.pages.shown(request, now).say(N_("Its access has ended; what it has measured stays."))
        return lambda: back_to(site, sentence)

    return _done(aldea, request, visitor, site, deed)


def back_to(site: str, sentence: str) -> Response:
    """Lead back to a site's page, with a sentence on top."""
    response = RedirectResponse(f"/admin/sites/{site}", 303)
    flash(response, sentence)
    return response


def _done(
    aldea: Context, request: Request, visitor: Visitor, site: str, deed: Callable[[Unit, int], Answer]
) -> Response:
    """Do something to a device of a managed site, and answer; what the register refuses is said on the site's page."""
    now = aldea.clock.wall_ms()
    try:
        with aldea.register.transaction() as unit:
            managed_site(unit, visitor, site, now)
            answer = deed(unit, now)
    except RegisterError as error:
        return back_to(site, in_language(sentence(error), aldea.pages.language(request).code))
    return answer()


def _code(aldea: Context, request: Request, code: Code, *, old_disk: bool = False) -> Response:
    shown = aldea.pages.shown(request, aldea.clock.wall_ms())
    page = aldea.pages.render(
        request,
        "manage_code.html",
        code=200,
        made=code,
        old_disk=old_disk,
        command=f"aldea agent enrol --server {own_address(aldea, request)} --code {code.text}",
        until=shown.exact(code.expires_ms, aldea.pages.zone),
    )
    page.headers["Cache-Control"] = "no-store"
    return page
