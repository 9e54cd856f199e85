"""The index of administration: what there is to manage, and who may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of administration: its address, its title, what is done there, and the right it needs."""

    address: str
    title: str
    sentence: str
    permission: Permission


ENTRIES = (
    Entry(
        "/admin/sites",
        N_("Sites and devices"),
        N_("Add and change real sites, give an agent its code, replace a dead card, close a site."),
        Permission.MANAGE_SITES,
    ),
    Entry(
        "/admin/import",
        N_("Import sites"),
        N_("Bring a table of sites in, from Excel or CSV, after a look at what it would do."),
        Permission.MANAGE_SITES,
    ),
    Entry(
        "/admin/releases",
        N_("Releases of the agent"),
        N_("Send a new version of the agent to one site, then to ten, then to all; see how far it is."),
        Permission.ADMINISTER,
    ),
    Entry(
        "/admin/profiles",
        N_("Settings of agents"),
        N_("Say how agents measure and send, by profiles; send changes to one, several or all, see what became of it."),
        Permission.MANAGE_SITES,
    ),
    Entry(
        "/admin/start-for-real",
        N_("Start for real"),
        N_("Send the simulated villages away for good; real sites stay."),
        Permission.ADMINISTER,
    ),
    Entry(
        "/admin/programmes",
        N_("Programmes"),
        N_("Say which sites are in which programme, and which forms they owe each month or quarter."),
        Permission.MANAGE_PROGRAMMES,
    ),
    Entry(
        "/maintenance",
        N_("Maintenance"),
        N_("Announce work at a site, a programme or a state, so that it counts as planned and alerts nobody."),
        Permission.MAINTAIN,
    ),
    Entry(
        "/admin/people",
        N_("People"),
        N_("Add people, give roles for a programme and a region, make links to set a password, see who did what."),
        Permission.MANAGE_PEOPLE,
    ),
    Entry(
        "/admin/contacts",
        N_("Contacts"),
        N_("Say how each person is told of an incident: channel, language, quiet hours. Send a test message."),
        Permission.MANAGE_CONTACTS,
    ),
    Entry(
        "/admin/notifications",
        N_("Notifications"),
        N_("See what was told to whom, what waits, and what failed and why."),
        Permission.MANAGE_CONTACTS,
    ),
)
"""Every page of administration, in the order in which it is listed. A page that is not there is not shown."""


def entries_for(visitor: SignedIn, there: Iterable[str]) -> list[Entry]:
    """Return the entries whose pages exist and that the visitor may use."""
    known = frozenset(there)
    return [entry for entry in ENTRIES if entry.address in known and visitor.may(entry.permission)]


@router.get("/admin")
def admin(aldea: Aldea, request: Request, visitor: SignedIn) -> Response:
    """Show what this visitor may manage."""
    entries = entries_for(visitor, request.app.state.addresses)
    return aldea.pages.render(request, "admin.html", entries=entries)
