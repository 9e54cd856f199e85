"""Commands to devices: run a test now, ask for diagnostics, see what became of them, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.command_schemas import CommandDocument, CommandListDocument, CommandsQuery, NewCommand
from aldea.dashboard_api.context import Aldea
from aldea.dashboard_api.device_view import ASKED_BY_HAND, TEST, Asked, ask, cancel, commanded, manages, own_command
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.routes.documented import PROBLEM, SITE_RESPONSES
from aldea.storage.register.commands import DeviceCommand, commands_of

router = APIRouter(prefix="/api/v1/sites/{site}/devices/{device}", tags=["commands"])


@router.get("/commands", summary="What was asked of a device", responses=SITE_RESPONSES)
def list_commands(
    aldea: Aldea, visitor: SignedIn, site: str, device: str, wanted: Annotated[CommandsQuery, Query()]
) -> CommandListDocument:
    """List a device's commands, the newest first; those of other kinds (settings, upgrades) too."""
    with aldea.register.reading() as unit:
        box = commanded(unit, visitor, site, device, aldea.clock.wall_ms())
        if wanted.after is not None:
            own_command(unit, box, wanted.after)
        found = commands_of(unit, site, device, limit=wanted.limit + 1, after=wanted.after)
        may_manage = manages(unit, visitor, box, aldea.clock.wall_ms())
    shown = found[: wanted.limit]
    return CommandListDocument(
        items=[_document(one, may_manage=may_manage) for one in shown],
        next=shown[-1].id if len(found) > len(shown) else None,
    )


@router.post("/commands", status_code=202, summary="Ask something of a device", responses=SITE_RESPONSES)
def ask_device(aldea: Aldea, visitor: SignedIn, site: str, device: str, new: NewCommand) -> CommandDocument:
    """Queue a test or diagnostics. It is sent as soon as the device is connected, and carried out once."""
    now = aldea.clock.wall_ms()
    payload = {"probe": new.probe} if new.kind == TEST else {}
    with aldea.register.transaction() as unit:
        box = commanded(unit, visitor, site, device, now)
        made = ask(unit, visitor, box, Asked(new.kind, payload, new.hours, new.id), now)
        return _document(made, may_manage=manages(unit, visitor, box, now))


@router.get("/commands/{command}", summary="One command", responses=SITE_RESPONSES)
def read_command(aldea: Aldea, visitor: SignedIn, site: str, device: str, command: str) -> CommandDocument:
    """Say what became of a command."""
    with aldea.register.reading() as unit:
        box = commanded(unit, visitor, site, device, aldea.clock.wall_ms())
        may_manage = manages(unit, visitor, box, aldea.clock.wall_ms())
        return _document(own_command(unit, box, command), may_manage=may_manage)


@router.post(
    "/commands/{command}/cancel", summary="Cancel a command", responses={**SITE_RESPONSES, 403: PROBLEM, 409: PROBLEM}
)
def cancel_device_command(aldea: Aldea, visitor: SignedIn, site: str, device: str, command: str) -> CommandDocument:
    """Stop a command that the device does not have yet."""
    now = aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        box = commanded(unit, visitor, site, device, now)
        made = cancel(unit, visitor, box, command, now)
        return _document(made, may_manage=manages(unit, visitor, box, now))


def _document(one: DeviceCommand, *, may_manage: bool) -> CommandDocument:
    """Return a command; what settings hold (a community, a PIN's hash) is for those who may change them."""
    return CommandDocument(
        id=one.id,
        site=one.site,
        device=one.device,
        kind=one.kind,
        payload=dict(one.payload) if may_manage or one.kind in ASKED_BY_HAND else {},
        state=one.state.value,
        author=one.author,
        created=str(iso(one.created_ms)),
        expires=str(iso(one.expires_ms)),
        sent=iso(one.sent_ms),
        attempts=one.attempts,
        answered=iso(one.answered_ms),
        answer=dict(one.answer),
    )
