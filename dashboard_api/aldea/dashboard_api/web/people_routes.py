"""People and their rights, and who did what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.redirects import see_other
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.web import audit_routes
from aldea.dashboard_api.web.access_words import ROLE_DEEDS, ROLE_WORDS
from aldea.dashboard_api.web.account_routes import end_of_day
from aldea.dashboard_api.web.grant_form import GrantForm, end_errors, grant_errors, scope_errors
from aldea.dashboard_api.web.own_address import own_address
from aldea.dashboard_api.web.sign_in_routes import Typed, person_errors
from aldea.storage.importing.scopes import known_scopes
from aldea.storage.register import RegisterConflictError, RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.passwords import keep_hash, kept_hash, make_link
from aldea.storage.register.people import (
    ROLE_NAMES,
    Grant,
    add_person,
    end_grant,
    find_person,
    give_role,
    grants_by_person,
    grants_of,
    list_people,
    set_disabled,
)
from aldea.storage.register.register import Unit
from aldea.storage.register.sessions import end_sessions_of

router = APIRouter(include_in_schema=False)
router.include_router(audit_routes.router)

PAGE = 100
LAST = N_("That would leave nobody who can let people in: make somebody else an administrator first.")


@router.get("/admin/people")
def people(aldea: Aldea, request: Request) -> Response:
    """Show everybody."""
    return _people(aldea, request, {}, {})


@router.post("/admin/people")
def add(aldea: Aldea, request: Request, visitor: SignedIn, account: Typed = "", label: Typed = "") -> Response:
    """Add somebody, and show the link by which they set their password."""
    account, label = account.strip().lower(), label.strip()
    errors, now = person_errors(account, label), aldea.clock.wall_ms()
    typed = {"account": account, "label": label}
    if errors:
        return _people(aldea, request, typed, errors)
    try:
        with aldea.register.transaction() as unit:
            add_person(unit, account, label, now)
            audit(unit, visitor.person, "person_added", account, {"label": label}, now)
            code = make_link(unit, account, now)
    except RegisterConflictError:
        return _people(aldea, request, typed, {"account": N_("There is an account of that name: choose another.")})
    return _person(aldea, request, account, code=code)


@router.get("/admin/people/{person}")
def one(aldea: Aldea, request: Request, person: str) -> Response:
    """Show one person with their rights."""
    return _person(aldea, request, person)


@router.post("/admin/people/{person}/grants")
def grant(
    aldea: Aldea, request: Request, visitor: SignedIn, person: str, form: Annotated[GrantForm, Form()]
) -> Response:
    """Give a role."""
    now, expires = aldea.clock.wall_ms(), end_of_day(form.ends, aldea.pages.zone)
    typed = {name: text.strip() for name, text in form.model_dump().items()}
    errors = grant_errors(typed) | end_errors(form.ends, expires, now)
    if not errors:
        with aldea.register.reading() as unit:
            _known(unit, person)
            errors = scope_errors(typed, known_scopes(unit, now))
    if not errors:
        wanted = Grant(person, typed["role"], typed["programme"], typed["region"], now, expires)
        try:
            with aldea.register.transaction() as unit:
                give_role(unit, wanted)
                detail = {**typed, "ends_ms": expires}
                audit(unit, visitor.person, "grant_given", person, detail, now)
        except RegisterConflictError:
            errors = {"role": N_("This person has that role there already: end that one first.")}
        else:
            return _done(aldea, request, person, N_("The role is given; it holds from now on."))
    return _person(aldea, request, person, typed=typed, errors=errors)


@router.post("/admin/people/{person}/grants/{number}/end")
def end(aldea: Aldea, request: Request, visitor: SignedIn, person: str, number: int) -> Response:
    """End a role now."""
    now = aldea.clock.wall_ms()

    def deed(unit: Unit) -> None:
        if number not in {held.id for held in grants_of(unit, person)}:
            raise Problem(404, f"{person[:60]} has no such grant: load the page again.")
        ended = end_grant(unit, number, now)
        detail = {"role": ended.role, "programme": ended.programme, "region": ended.region}
        audit(unit, visitor.person, "grant_ended", person, detail, now)

    return _careful(aldea, request, person, deed, N_("The role has ended."))


@router.post("/admin/people/{person}/disable")
def disable(aldea: Aldea, request: Request, visitor: SignedIn, person: str) -> Response:
    """Keep somebody out: their sessions end, their tokens rest."""
    now = aldea.clock.wall_ms()

    def deed(unit: Unit) -> None:
        set_disabled(unit, person, disabled=True, at_ms=now)
        end_sessions_of(unit, person)
        audit(unit, visitor.person, "person_disabled", person, None, now)

    return _careful(aldea, request, person, deed, N_("The account is disabled; every session has ended."))


@router.post("/admin/people/{person}/enable")
def enable(aldea: Aldea, request: Request, visitor: SignedIn, person: str) -> Response:
    """Let somebody in again."""
    now = aldea.clock.wall_ms()

    def deed(unit: Unit) -> None:
        set_disabled(unit, person, disabled=False, at_ms=now)
        audit(unit, visitor.person, "person_enabled", person, None, now)

    return _careful(aldea, request, person, deed, N_("The account may be used again."))


@router.post("/admin/people/{person}/reset-password")
def reset_password(aldea: Aldea, request: Request, visitor: SignedIn, person: str) -> Response:
    """Take somebody's password away, end their sessions, and show a link to set a new one, this once."""
    now = aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        _known(unit, person)
        if kept_hash(unit, person) is not None:
            keep_hash(unit, person, None, now)
        end_sessions_of(unit, person)
        code = make_link(unit, person, now)
        audit(unit, visitor.person, "password_link_made", person, None, now)
    return _person(aldea, request, person, code=code)


def _careful(aldea: Context, request: Request, person: str, deed: Callable[[Unit], None], said: str) -> Response:
    """Do something that must not take the last administrator away."""
    try:
        with aldea.register.transaction() as unit:
            _known(unit, person)
            deed(unit)
    except RegisterError:
        return _person(aldea, request, person, errors={"": LAST})
    return _done(aldea, request, person, said)


def _done(aldea: Context, request: Request, person: str, sentence: str) -> Response:
    answer = see_other(f"/admin/people/{person}")
    flash(answer, aldea.pages.shown(request, aldea.clock.wall_ms()).say(sentence))
    return answer


def _known(unit: Unit, person: str) -> None:
    if find_person(unit, person) is None:
        raise Problem(404, f"There is no account {person[:60]!r}: /admin/people lists those there are.")


def _people(aldea: Context, request: Request, typed: dict[str, str], errors: dict[str, str]) -> Response:
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        everybody, grants = list_people(unit), grants_by_person(unit, now)
    return aldea.pages.render(
        request,
        "access_people.html",
        400 if errors else 200,
        shown=aldea.pages.shown(request, now),
        zone=aldea.pages.zone,
        people=everybody,
        grants=grants,
        role_words=ROLE_WORDS,
        typed=typed,
        errors=errors,
    )


def _person(
    aldea: Context,
    request: Request,
    person: str,
    *,
    code: str = "",
    typed: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
) -> Response:
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        _known(unit, person)
        values: dict[str, Any] = {
            "person": find_person(unit, person),
            "grants": grants_of(unit, person),
            "has_password": kept_hash(unit, person) is not None,
            **_choices(unit, now),
        }
    page = aldea.pages.render(
        request,
        "access_person.html",
        400 if errors else 200,
        shown=aldea.pages.shown(request, now),
        zone=aldea.pages.zone,
        now=now,
        link=f"{own_address(aldea, request)}/set-password/{code}" if code else "",
        roles=[(role, ROLE_WORDS[role], ROLE_DEEDS[role]) for role in ROLE_NAMES],
        role_words=ROLE_WORDS,
        typed=typed or {"role": "", "programme": "", "region": "", "ends": ""},
        errors=errors or {},
        **values,
    )
    page.headers["Cache-Control"] = "no-store"
    return page


def _choices(unit: Unit, now: int) -> dict[str, list[str]]:
    """Return the programmes and regions to choose from."""
    known = known_scopes(unit, now)
    return {"programmes": sorted(known.programmes), "regions": sorted(known.regions)}
