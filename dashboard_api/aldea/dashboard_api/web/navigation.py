"""The way through the pages: which parts there are, and which of them this visitor is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import scopes_of
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.incident_view import may_see, sites_of
from aldea.storage.register import RegisterUnavailableError

if TYPE_CHECKING:
    from aldea.dashboard_api.context import Context

ACCOUNT, SIGN_IN = "/account", "/sign-in"

May = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the product: where it begins, and its name.

    `permissions`: any one of them shows it; `also`: other paths that belong to it.
    """

    address: str
    text: str
    permissions: tuple[str, ...]
    icon: str
    also: tuple[str, ...] = ()


MANAGING = ("manage_sites", "manage_programmes", "manage_contacts", "manage_people", "administer")

PLACES = (
    Place("/", N_("Sites"), ("view",), "place", ("/sites",)),
    Place("/incidents", N_("Incidents"), ("view",), "bell", ("/maintenance",)),
    Place("/indicators", N_("Four steps"), ("view",), "steps"),
    Place("/records", N_("Records"), ("record",), "form"),
    Place("/admin", N_("Administration"), MANAGING, "gear"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A place as the navigation shows it."""

    address: str
    text: str
    icon: str
    current: bool


def addresses(app: FastAPI) -> frozenset[str]:
    """Return every address that answers GET, as it was declared."""
    return frozenset(str(route.path) for route in iter_route_contexts(app.routes) if "GET" in (route.methods or ()))


def navigation(request: Request, may: May | None) -> list[Shown]:
    """Return the places there are and that the visitor may see, the present one marked."""
    there, path = request.app.state.addresses, request.url.path
    return [
        Shown(place.address, place.text, place.icon, _within(path, place))
        for place in PLACES
        if place.address in there and (may is None or any(map(may, place.permissions)))
    ]


def surroundings(request: Request, visitor: object, may: May | None) -> dict[str, Any]:
    """Return what the frame of every page shows: the places, the visitor's own, and how many incidents are open."""
    return {
        "places": navigation(request, may),
        "account_place": _account(request, visitor),
        "open_incidents": _open(request, visitor),
    }


def _open(request: Request, visitor: object) -> int:
    """Return how many real incidents are open that the visitor may see, by the live stream's last look."""
    context: Context = request.app.state.context
    found = context.live.open_real
    if not found or not isinstance(visitor, Visitor) or not visitor.may(Permission.VIEW):
        return 0
    if visitor.everywhere(Permission.VIEW):
        return len(found)
    concerned = {site for one in found for site in sites_of(one)}
    try:
        with context.register.reading() as unit:
            scopes = scopes_of(unit, context.clock.wall_ms(), concerned)
    except RegisterUnavailableError:
        return 0
    visible = frozenset(site for site, scope in scopes.items() if visitor.may(Permission.VIEW, scope))
    return sum(may_see(one, visible) for one in found)


def _account(request: Request, visitor: object) -> Shown | None:
    """Return where the visitor's own account is, or where to sign in."""
    there, path = request.app.state.addresses, request.url.path
    signed_in = getattr(visitor, "person", None) is not None
    address, text = (ACCOUNT, str(getattr(visitor, "label", ""))) if signed_in else (SIGN_IN, "")
    if address not in there or getattr(visitor, "demo", False):
        return None
    return Shown(address, text, "person", path == address)


def _within(path: str, place: Place) -> bool:
    if path == place.address:
        return True
    roots = (*place.also, *((place.address,) if place.address != "/" else ()))
    return any(path == root or path.startswith(root + "/") for root in roots)
