"""Finds out who asks: by a token, by a session, or, before any account, as the demo administrator."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from aldea.dashboard_api.access.cookies import SESSION
from aldea.dashboard_api.access.local import is_local
from aldea.dashboard_api.access.permissions import ROLES, TOKEN_PERMISSIONS, Permission
from aldea.dashboard_api.access.visitor import DEMO_ADMIN, NOBODY, Held, Visitor
from aldea.storage.register import RegisterError
from aldea.storage.register.people import Grant, find_person, grants_of, has_administrator
from aldea.storage.register.sessions import find_session, touch_session
from aldea.storage.register.sessions import needs_touch as session_needs_touch
from aldea.storage.register.tokens import Token, find_token, touch_token
from aldea.storage.register.tokens import needs_touch as token_needs_touch

if TYPE_CHECKING:
    from fastapi import Request

    from aldea.model.clock import Clock
    from aldea.storage.register import Register
    from aldea.storage.register.register import Unit

log = logging.getLogger(__name__)

Touch = Callable[["Unit"], None]


class Identifier:
    """Knows visitors. What they may do is read at each request, so that an end date needs nobody's help."""

    def __init__(self, register: Register, clock: Clock, *, demo_admin: bool) -> None:
        self._register = register
        self._clock = clock
        # Once there is an administrator there is one for good, so that this need not be asked again.
        self._demo_possible = demo_admin

    def __call__(self, request: Request) -> Visitor:
        """Return who makes the request. Raises RegisterUnavailableError."""
        now = self._clock.wall_ms()
        with self._register.reading() as unit:
            visitor, touch = self._found(unit, request, now)
        if touch is not None:
            self._write_down(touch)
        return visitor

    def _found(self, unit: Unit, request: Request, now: int) -> tuple[Visitor, Touch | None]:
        secret = _bearer(request)
        if secret is not None:
            return _by_token(unit, secret, now)
        visitor, touch = _by_session(unit, request.cookies.get(SESSION), now)
        if visitor is NOBODY and self._is_demo(unit, request):
            return DEMO_ADMIN, None
        return visitor, touch

    def _is_demo(self, unit: Unit, request: Request) -> bool:
        if self._demo_possible and has_administrator(unit):
            self._demo_possible = False
        return self._demo_possible and is_local(request)

    def _write_down(self, touch: Touch) -> None:
        try:
            with self._register.transaction() as unit:
                touch(unit)
        except RegisterError as error:
            log.warning("when a session or token was last used could not be written down: %s", error)


def held_by(grants: Iterable[Grant]) -> tuple[Held, ...]:
    """Return what grants allow. A role that this version does not know allows nothing."""
    return tuple(Held(ROLES[grant.role], grant.programme, grant.region) for grant in grants if grant.role in ROLES)


def narrowed(held: Iterable[Held], token: Token) -> Iterator[Held]:
    """Yield what is left of somebody's rights for a token of theirs: never more than either allows."""
    allowed = frozenset(Permission) & frozenset(token.permissions) & TOKEN_PERMISSIONS
    for one in held:
        if token.programme and one.programme not in {"", token.programme}:
            continue
        if token.region and one.region not in {"", token.region}:
            continue
        yield Held(one.permissions & allowed, one.programme or token.programme, one.region or token.region)


def _bearer(request: Request) -> str | None:
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _by_token(unit: Unit, secret: str, now: int) -> tuple[Visitor, Touch | None]:
    token = find_token(unit, secret, now)
    person = None if token is None else find_person(unit, token.person)
    if token is None or person is None or person.disabled:
        return NOBODY, None
    held = tuple(narrowed(held_by(grants_of(unit, person.id, now)), token))
    touch = partial(touch_token, token_id=token.id, at_ms=now) if token_needs_touch(token, now) else None
    return Visitor(person.id, person.label, held, token=token.id, language=person.language), touch


def _by_session(unit: Unit, secret: str | None, now: int) -> tuple[Visitor, Touch | None]:
    session = None if not secret else find_session(unit, secret, now)
    person = None if session is None else find_person(unit, session.person)
    if session is None or person is None or person.disabled:
        return NOBODY, None
    held = held_by(grants_of(unit, person.id, now))
    touch = partial(touch_session, session_digest=session.digest, at_ms=now)
    visitor = Visitor(person.id, person.label, held, session=session.digest, language=person.language)
    return visitor, touch if session_needs_touch(session, now) else None
