"""Signing in and out, the first administrator, and setting a password by a link."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from aldea.dashboard_api.access import cookies
from aldea.dashboard_api.access.accounts import Accounts, AlreadySetUp, Caller
from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.local import address_of, is_local
from aldea.dashboard_api.access.redirects import local_path, see_other
from aldea.dashboard_api.access.visitor import SignedIn
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.web.access_words import WEAKNESS_WORDS
from aldea.dashboard_api.web.words import COOKIE, LANGUAGES
from aldea.model.sample import is_id
from aldea.storage.register import RegisterConflictError, RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.passwords import person_of_link, weakness
from aldea.storage.register.people import Person, find_person, has_administrator
from aldea.storage.register.sessions import LONGEST_MS, end_session

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Form(max_length=300)]
YEAR_SECONDS = 31_536_000

WRONG = N_("Name and password do not fit. Look at both again; capital letters count in the password.")
BAD_ID = N_("Use 1 to 39 of a-z, 0-9 and -, without spaces, such as tecnica-tekax.")
NO_LABEL = N_("Write the person's name, with 120 characters at most.")
UNEQUAL = N_("The two passwords differ: type the same one twice.")
DEAD_LINK = N_("This link was used already or has ended. Ask an administrator for a new one.")


@router.get("/sign-in")
def sign_in_page(aldea: Aldea, request: Request, visitor: SignedIn, next: str = "/") -> Response:  # noqa: A002 - the parameter's name in the address
    """Show where to sign in."""
    if visitor.person is not None:
        return see_other(local_path(next))
    return _sign_in(aldea, request, local_path(next))


@router.post("/sign-in")
def sign_in(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    account: Typed = "",
    password: Typed = "",
    next: Typed = "/",  # noqa: A002 - the field's name in the form
) -> Response:
    """Sign in."""
    where = local_path(next)
    attempt = accounts_of(request).sign_in(account, password, caller_of(request), visitor.session)
    if attempt.wait_ms:
        return _wait(aldea, request, "access_sign_in.html", attempt.wait_ms, account=account, next=where, fresh=False)
    if attempt.person is None:
        return _sign_in(aldea, request, where, account=account, error=WRONG, code=403)
    return _arrived(request, where, attempt.token, attempt.person)


@router.post("/sign-out")
def sign_out(aldea: Aldea, request: Request, visitor: SignedIn) -> Response:
    """End the session."""
    if visitor.session is not None:
        now = aldea.clock.wall_ms()
        with aldea.register.transaction() as unit:
            end_session(unit, visitor.session)
            audit(unit, visitor.person, "sign_out", visitor.person or "", None, now)
    answer = see_other("/sign-in")
    cookies.drop_session(answer)
    flash(answer, _say(aldea, request, N_("You are signed out.")))
    return answer


@router.get("/setup")
def setup_page(aldea: Aldea, request: Request) -> Response:
    """Show where the first administrator is made."""
    return _no_setup(aldea, request) or _setup(aldea, request, {}, {})


@router.post("/setup")
def setup(
    aldea: Aldea,
    request: Request,
    account: Typed = "",
    label: Typed = "",
    password: Typed = "",
    again: Typed = "",
) -> Response:
    """Make the first administrator."""
    refused = _no_setup(aldea, request)
    if refused is not None:
        return refused
    account, label = account.strip().lower(), label.strip()
    errors = person_errors(account, label) | password_errors(account, label, password, again)
    typed = {"account": account, "label": label}
    if errors:
        return _setup(aldea, request, typed, errors)
    try:
        token = accounts_of(request).set_up(account, label, password, caller_of(request))
    except AlreadySetUp:
        return see_other("/sign-in")
    except RegisterConflictError:
        return _setup(aldea, request, typed, {"account": N_("There is an account of that name: choose another.")})
    answer = _arrived(request, "/", token, None)
    flash(answer, _say(aldea, request, N_("You are the administrator now. From here on everybody signs in.")))
    return answer


@router.get("/set-password/{code}")
def set_password_page(aldea: Aldea, request: Request, code: str) -> Response:
    """Show where a password is set by a link."""
    return _set_password(aldea, request, code, {})


@router.post("/set-password/{code}")
def set_password(aldea: Aldea, request: Request, code: str, password: Typed = "", again: Typed = "") -> Response:
    """Set the password that a link is for, and sign in."""
    found = _of_link(aldea, code)
    if found is None:
        return _set_password(aldea, request, code, {})
    errors = password_errors(found.id, found.label, password, again)
    if errors:
        return _set_password(aldea, request, code, errors)
    try:
        _, token = accounts_of(request).use_link(code, password, caller_of(request))
    except RegisterError:
        return _set_password(aldea, request, code, {})
    answer = _arrived(request, "/", token, found)
    flash(answer, _say(aldea, request, N_("Your password is set, and you are signed in.")))
    return answer


def accounts_of(request: Request) -> Accounts:
    """Return the app's accounts."""
    found: Accounts = request.app.state.accounts
    return found


def caller_of(request: Request) -> Caller:
    """Return where the request came from."""
    return Caller(address_of(request), request.headers.get("user-agent", ""))


def person_errors(account: str, label: str) -> dict[str, str]:
    """Return what is wrong with a new account, by field."""
    errors = {} if is_id(account) else {"account": BAD_ID}
    return errors if 0 < len(label) <= 120 else errors | {"label": NO_LABEL}


def password_errors(account: str, label: str, password: str, again: str) -> dict[str, str]:
    """Return what is wrong with a new password, by field."""
    found = weakness(password, account, label)
    if found is not None:
        return {"password": WEAKNESS_WORDS[found]}
    return {} if password == again else {"again": UNEQUAL}


def minutes(wait_ms: int) -> int:
    """Return a wait in whole minutes, one at least."""
    return max(1, -(-wait_ms // 60_000))


def remember_session(request: Request, answer: Response, token: str) -> None:
    """Give the browser its session."""
    cookies.set_session(request, answer, token, LONGEST_MS // 1000)


def _arrived(request: Request, where: str, token: str, person: Person | None) -> Response:
    answer = see_other(where)
    remember_session(request, answer, token)
    if person is not None and person.language in LANGUAGES:
        answer.set_cookie(COOKIE, str(person.language), max_age=YEAR_SECONDS, samesite="lax", httponly=True)
    return answer


def _sign_in(
    aldea: Context, request: Request, where: str, *, account: str = "", error: str = "", code: int = 200
) -> Response:
    with aldea.register.reading() as unit:
        fresh = not has_administrator(unit)
    values = {"account": account, "next": where, "error": error, "fresh": fresh, "local": is_local(request)}
    return aldea.pages.render(request, "access_sign_in.html", code, wait=0, **values)


def _wait(aldea: Context, request: Request, template: str, wait_ms: int, **values: object) -> Response:
    page = aldea.pages.render(request, template, 429, wait=minutes(wait_ms), error="", local=False, **values)
    page.headers["Retry-After"] = str(-(-wait_ms // 1000))
    return page


def _setup(aldea: Context, request: Request, typed: dict[str, str], errors: dict[str, str]) -> Response:
    return aldea.pages.render(request, "access_setup.html", 400 if errors else 200, typed=typed, errors=errors)


def _no_setup(aldea: Context, request: Request) -> Response | None:
    with aldea.register.reading() as unit:
        done = has_administrator(unit)
    if done:
        return see_other("/sign-in")
    if is_local(request):
        return None
    return aldea.pages.render(request, "access_setup_away.html", 403)


def _set_password(aldea: Context, request: Request, code: str, errors: dict[str, str]) -> Response:
    found = _of_link(aldea, code)
    status = 404 if found is None else 400 if errors else 200
    page = aldea.pages.render(request, "access_set_password.html", status, person=found, errors=errors, dead=DEAD_LINK)
    page.headers["Cache-Control"] = "no-store"
    page.headers["Referrer-Policy"] = "no-referrer"
    return page


def _of_link(aldea: Context, code: str) -> Person | None:
    with aldea.register.reading() as unit:
        person_id = person_of_link(unit, code, aldea.clock.wall_ms())
        found = None if person_id is None else find_person(unit, person_id)
    return None if found is None or found.disabled else found


def _say(aldea: Context, request: Request, text: str) -> str:
    return aldea.pages.shown(request, aldea.clock.wall_ms()).say(text)
