"""One's own account: password, language, tokens, sessions."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response

from aldea.dashboard_api.access.flash import flash
from aldea.dashboard_api.access.permissions import TOKEN_PERMISSIONS, Permission
from aldea.dashboard_api.access.redirects import see_other
from aldea.dashboard_api.access.visitor import SignedIn, Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Aldea, Context
from aldea.dashboard_api.web.access_words import PERMISSION_WORDS, ROLE_WORDS
from aldea.dashboard_api.web.sign_in_routes import (
    YEAR_SECONDS,
    Typed,
    accounts_of,
    caller_of,
    password_errors,
    remember_session,
)
from aldea.dashboard_api.web.words import COOKIE, LANGUAGES
from aldea.storage.register import RegisterError
from aldea.storage.register.audit import audit
from aldea.storage.register.people import grants_of, set_language
from aldea.storage.register.sessions import end_sessions_of, sessions_of
from aldea.storage.register.tokens import NAME_LIMIT, make_token, revoke_token, tokens_of

router = APIRouter(include_in_schema=False)

LANGUAGE_WORDS = {"es": "Español", "en": "English"}


@router.get("/account")
def account(aldea: Aldea, request: Request, visitor: SignedIn) -> Response:
    """Show one's own account; before there are any, where to make the first."""
    return see_other("/setup") if visitor.person is None else _page(aldea, request, visitor)


@router.post("/account/password")
def change_password(
    aldea: Aldea, request: Request, visitor: SignedIn, old: Typed = "", password: Typed = "", again: Typed = ""
) -> Response:
    """Set a new password; every other session ends."""
    if visitor.person is None:
        return see_other("/setup")
    errors = password_errors(visitor.person, visitor.label, password, again)
    if not errors:
        attempt = accounts_of(request).change_password(visitor.person, old, password, caller_of(request))
        if attempt.token:
            answer = _done(aldea, request, N_("Your new password holds from now on; other sessions have ended."))
            remember_session(request, answer, attempt.token)
            return answer
        errors = {"old": N_("That is not your present password.")}
        if attempt.wait_ms:
            errors = {"old": N_("Too many attempts: try again in some minutes.")}
    return _page(aldea, request, visitor, errors)


@router.post("/account/language")
def change_language(aldea: Aldea, request: Request, visitor: SignedIn, language: Typed = "") -> Response:
    """Choose the language of pages."""
    if visitor.person is None:
        return see_other("/setup")
    if language not in LANGUAGES:
        return _page(aldea, request, visitor, {"language": N_("Choose one of the languages in the list.")})
    with aldea.register.transaction() as unit:
        set_language(unit, visitor.person, language)
    answer = see_other(f"/account?lang={language}")
    answer.set_cookie(COOKIE, language, max_age=YEAR_SECONDS, samesite="lax", httponly=True)
    return answer


@router.post("/account/tokens")
def new_token(
    aldea: Aldea,
    request: Request,
    visitor: SignedIn,
    name: Typed = "",
    ends: Typed = "",
    permission: Annotated[list[str] | None, Form(max_length=20)] = None,
) -> Response:
    """Make a token and show it, this once."""
    if visitor.person is None:
        return see_other("/setup")
    now, zone = aldea.clock.wall_ms(), aldea.pages.zone
    wanted = {item for item in offered(visitor) if item.value in (permission or ())}
    typed: dict[str, Any] = {"name": name, "ends": ends, "permissions": {item.value for item in wanted}}
    expires = end_of_day(ends, zone)
    errors = _token_errors(name, wanted, ends, expires, now)
    if errors:
        return _page(aldea, request, visitor, errors, typed)
    try:
        with aldea.register.transaction() as unit:
            secret, token = make_token(unit, visitor.person, name, wanted, now, expires_ms=expires)
            audit(unit, visitor.person, "token_made", token.name, {"permissions": list(token.permissions)}, now)
    except RegisterError:
        return _page(aldea, request, visitor, {"name": N_("There are too many tokens: revoke one first.")}, typed)
    return _page(aldea, request, visitor, secret=secret)


@router.post("/account/tokens/{token}/revoke")
def revoke(aldea: Aldea, request: Request, visitor: SignedIn, token: int) -> Response:
    """Let one of one's tokens work no more."""
    if visitor.person is None:
        return see_other("/setup")
    now = aldea.clock.wall_ms()
    try:
        with aldea.register.transaction() as unit:
            found = revoke_token(unit, visitor.person, token, now)
            audit(unit, visitor.person, "token_revoked", found.name, None, now)
    except RegisterError:
        return _done(aldea, request, N_("There is no such token: it may have been revoked already."))
    return _done(aldea, request, N_("The token works no more."))


@router.post("/account/sessions/end")
def end_others(aldea: Aldea, request: Request, visitor: SignedIn) -> Response:
    """End one's sessions elsewhere."""
    if visitor.person is None:
        return see_other("/setup")
    now = aldea.clock.wall_ms()
    with aldea.register.transaction() as unit:
        ended = end_sessions_of(unit, visitor.person, visitor.session)
        audit(unit, visitor.person, "sessions_ended", visitor.person, {"sessions": ended}, now)
    return _done(aldea, request, N_("Every other session has ended."))


def offered(visitor: Visitor) -> list[Permission]:
    """Return what this visitor may put into a token."""
    return [item for item in Permission if item in TOKEN_PERMISSIONS and visitor.may(item)]


def end_of_day(text: str, zone: ZoneInfo) -> int | None:
    """Return the instant at which a day (ISO) is over in `zone`; None for no day, or none that can be."""
    try:
        day = date.fromisoformat(text.strip()) + timedelta(days=1)
        return int(datetime.combine(day, time(), zone).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def end_error(text: str, expires: int | None, now: int) -> str | None:
    """Return what is wrong with a last day that was typed."""
    if text.strip() and expires is None:
        return N_("Write the day as year-month-day, such as 2027-06-30.")
    if expires is not None and expires <= now:
        return N_("That day has passed: choose a later one.")
    return None


def _token_errors(name: str, wanted: set[Permission], ends: str, expires: int | None, now: int) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not 0 < len(name.strip()) <= NAME_LIMIT:
        errors["name"] = N_("Give the token a name of 1 to 80 characters, such as the program's.")
    if not wanted:
        errors["permission"] = N_("Choose at least one thing that the program may do.")
    wrong = end_error(ends, expires, now)
    return errors if wrong is None else errors | {"ends": wrong}


def _done(aldea: Context, request: Request, sentence: str) -> Response:
    answer = see_other("/account")
    flash(answer, aldea.pages.shown(request, aldea.clock.wall_ms()).say(sentence))
    return answer


def _page(
    aldea: Context,
    request: Request,
    visitor: Visitor,
    errors: dict[str, str] | None = None,
    typed: dict[str, Any] | None = None,
    secret: str = "",
) -> Response:
    assert visitor.person is not None
    now = aldea.clock.wall_ms()
    with aldea.register.reading() as unit:
        grants = grants_of(unit, visitor.person, now)
        sessions = sessions_of(unit, visitor.person, now)
        tokens = [token for token in tokens_of(unit, visitor.person) if token.works(now)]
    page = aldea.pages.render(
        request,
        "access_account.html",
        400 if errors else 200,
        shown=aldea.pages.shown(request, now),
        zone=aldea.pages.zone,
        grants=grants,
        sessions=sessions,
        tokens=tokens,
        offered=[(item.value, PERMISSION_WORDS[item]) for item in offered(visitor)],
        permission_words={item.value: text for item, text in PERMISSION_WORDS.items()},
        role_words=ROLE_WORDS,
        language_words=[(code, LANGUAGE_WORDS.get(code, code)) for code in LANGUAGES],
        errors=errors or {},
        typed=typed or {"name": "", "ends": "", "permissions": {"view"}},
        secret=secret,
    )
    page.headers["Cache-Control"] = "no-store"
    return page
