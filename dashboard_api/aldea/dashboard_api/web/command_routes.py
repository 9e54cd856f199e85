"""Ask something of several boxes at once: one command for the primary device of each site that is chosen."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.device_view import DIAGNOSTICS, PROBES, TEST, Asked, ask, commanded
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.web.device_words import PROBE_WORDS
from aldea.dashboard_api.web.shown import Shown
from aldea.storage.register.listing import SiteFilter, SiteOverview, list_sites
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import SiteState

router = APIRouter(include_in_schema=False)

PAGE = 1_000
AT_ONCE = 200
"""Sites in one transaction: writers of the register wait meanwhile."""

_ASLEEP = (SiteState.CLOSED, SiteState.SUSPENDED)


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the form."""

    where: str = "all"
    what: str = ""
    sites: str = ""


@router.get("/admin/commands")
def form(aldea: Aldea, request: Request, visitor: SignedIn) -> Response:
    """Show the form with the states and programmes there are."""
    return _form(aldea, request, visitor, Typed())


@router.post("/admin/commands")
def several(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    where: Annotated[str, Form(max_length=200)] = "",
    what: Annotated[str, Form(max_length=60)] = "",
    sites: Annotated[str, Form(max_length=20_000)] = "",
) -> Response:
    """Queue one command for each site that was chosen."""
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    kind, _, probe = what.partition(":")
    asked = Asked(kind, {"probe": probe} if kind == TEST else {})
    scope, _, value = where.partition(":")
    typed = Typed(where, what, sites)
    if scope not in {"all", "state", "programme", "these"} or kind not in {TEST, DIAGNOSTICS}:
        return _form(aldea, request, visitor, typed, shown.say(N_("Choose what to ask, and of which sites.")))
    with aldea.register.reading() as unit:
        mine = _sites(unit, visitor, now)
    named = set(sites.split())
    if scope == "these" and (wrong := _wrong_names(named, mine, shown)):
        return _form(aldea, request, visitor, typed, wrong)
    chosen = [item for item in mine if _is_meant(item, scope, value, named)]
    done = refused = 0
    for start in range(0, len(chosen), AT_ONCE):
        with aldea.register.transaction() as unit:
            for item in chosen[start : start + AT_ONCE]:
                try:
                    ask(
                        unit,
                        visitor,
                        commanded(unit, visitor, item.site.id, item.primary_device or "", now),
                        asked,
                        now,
                    )
                    done += 1
                except Problem:
                    refused += 1
    response = RedirectResponse("/admin/commands", 303)
    told = N_("Asked of %(done)s boxes. %(refused)s sites have no box that can be asked now.")
    flash(response, shown.say(told) % {"done": done, "refused": refused})
    return response


def _is_meant(item: SiteOverview, scope: str, value: str, named: Collection[str]) -> bool:
    if scope == "these":
        return item.site.id in named
    return scope == "all" or value in _values(item, scope)


def _wrong_names(named: Collection[str], mine: Collection[SiteOverview], shown: Shown) -> str:
    """Return what is wrong with the ids that were written, '' for nothing."""
    if not named:
        return shown.say(N_("Sites: write the id of one or several."))
    foreign = sorted(set(named) - {item.site.id for item in mine})
    told = shown.say(N_("Sites: there is none that you manage and that is at work with the id %(site)s."))
    return told % {"site": foreign[0][:60]} if foreign else ""


def _form(aldea: Context, request: Request, visitor: Visitor, typed: Typed, error: str = "") -> Response:
    now = aldea.clock.wall_ms()
    shown = aldea.pages.shown(request, now)
    with aldea.register.reading() as unit:
        sites = _sites(unit, visitor, now)
    states = sorted({value for item in sites for value in _values(item, "state")})
    programmes = sorted({value for item in sites for value in _values(item, "programme")})
    everywhere = shown.say(N_("All sites (%(count)s)")) % {"count": len(sites)}
    within = shown.say(N_("State: %(name)s"))
    running = shown.say(N_("Programme: %(name)s"))
    return aldea.pages.render(
        request,
        "commands.html",
        400 if error else 200,
        error=error,
        typed=typed,
        where=[
            ("all", everywhere),
            *((f"state:{name}", within % {"name": name}) for name in states),
            *((f"programme:{name}", running % {"name": name}) for name in programmes),
            ("these", shown.say(N_("The sites written below"))),
        ],
        what=[
            (DIAGNOSTICS, shown.say(N_("Diagnostics"))),
            *((f"{TEST}:{name}", shown.say(PROBE_WORDS[name])) for name in PROBES),
        ],
    )


def _sites(unit: Unit, visitor: Visitor, now: int) -> list[SiteOverview]:
    """Return the real sites that the visitor manages and that are expected to be heard."""
    mine = visible_sites(unit, visitor, now, Permission.MANAGE_SITES)
    found: list[SiteOverview] = []
    after: str | None = None
    only = SiteFilter(simulated=False, sites=mine)
    while page := list_sites(unit, now, after=after, limit=PAGE, only=only):
        found += page
        after = page[-1].site.id
    return [item for item in found if item.state not in _ASLEEP]


def _values(item: SiteOverview, scope: str) -> tuple[str, ...]:
    """Return what a site has for a state or for programmes."""
    found = item.facts.get("state_name" if scope == "state" else scope)
    if found is None:
        return ()
    return tuple(map(str, found)) if isinstance(found, tuple | list) else (str(found),)
