"""What people do with accounts: sign in, set a password, make the first administrator. Each deed is written down."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.dashboard_api.words import said
from aldea.storage.register import RegisterError
from aldea.storage.register.attempts import begin_attempt, forgive
from aldea.storage.register.audit import audit
from aldea.storage.register.passwords import hashed, keep_hash, kept_hash, use_link, verify
from aldea.storage.register.people import ADMIN, Grant, Person, add_person, find_person, give_role, has_administrator
from aldea.storage.register.sessions import end_session, end_sessions_of, start_session

if TYPE_CHECKING:
    from aldea.model.clock import Clock
    from aldea.storage.register import Register
    from aldea.storage.register.register import Unit

HASHES_AT_ONCE = 2
"""Each takes 19 MiB: many at once would be a way to fill a small server's memory."""


class AlreadySetUp(Exception):
    """There is an administrator already."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request came from, as it is counted and shown in the list of sessions."""

    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a password: the person and their new session, or nobody, and how long to wait (ms)."""

    person: Person | None = None
    token: str = ""
    wait_ms: int = 0


class Accounts:
    """The deeds that need a password's digest, which is never worked out inside a transaction."""

    def __init__(self, register: Register, clock: Clock) -> None:
        self._register = register
        self._clock = clock
        self._hashing = threading.BoundedSemaphore(HASHES_AT_ONCE)

    def sign_in(self, account: str, password: str, caller: Caller, before: str | None = None) -> Attempt:
        """Begin a session if the password is right; `before`: the session that this browser had, which ends.

        An unknown name, a disabled account and a wrong password take as long and answer alike.
        """
        account = account.strip().lower()
        attempt, stored = self._try(account, password, caller)
        if attempt.person is None:
            return attempt
        now = self._clock.wall_ms()
        with self._register.transaction() as unit:
            if stored is not None:
                keep_hash(unit, attempt.person.id, stored, now)
            if before is not None:
                end_session(unit, before)
            token = start_session(unit, attempt.person.id, now, caller.address, caller.browser)
            audit(unit, attempt.person.id, "sign_in", attempt.person.id, {"address": caller.address}, now)
        return Attempt(attempt.person, token)

    def change_password(self, person_id: str, old: str, new: str, caller: Caller) -> Attempt:
        """Set a new password if the old one is right; every session ends, and a new one begins here."""
        attempt, _ = self._try(person_id, old, caller)
        if attempt.person is None:
            return attempt
        made = self.hash(new)
        with self._register.transaction() as unit:
            keep_hash(unit, person_id, made, self._clock.wall_ms())
            token = self._fresh(unit, person_id, caller, "password_set")
        return Attempt(attempt.person, token)

    def use_link(self, code: str, password: str, caller: Caller) -> tuple[str, str]:
        """Set the password that a link is for; return the person and a session. Raises RegisterError."""
        made = self.hash(password)
        with self._register.transaction() as unit:
            person_id = use_link(unit, code, made, self._clock.wall_ms())
            found = find_person(unit, person_id)
            if found is None or found.disabled:
                raise RegisterError(said("the account is disabled: ask an administrator"))
            return person_id, self._fresh(unit, person_id, caller, "password_set")

    def set_up(self, account: str, label: str, password: str, caller: Caller) -> str:
        """Make the first administrator and return their session. Raises AlreadySetUp, RegisterError."""
        made = self.hash(password)
        with self._register.transaction() as unit:
            if has_administrator(unit):
                raise AlreadySetUp
            now = self._clock.wall_ms()
            add_person(unit, account, label, now)
            give_role(unit, Grant(account, ADMIN, "", "", now, None))
            keep_hash(unit, account, made, now)
            return self._fresh(unit, account, caller, "set_up")

    def hash(self, password: str) -> str:
        """Return a password's digest; a few at a time."""
        with self._hashing:
            return hashed(password)

    def _try(self, account: str, password: str, caller: Caller) -> tuple[Attempt, str | None]:
        """Return whose password it is, and its digest made anew where the parameters have changed."""
        now = self._clock.wall_ms()
        with self._register.transaction() as unit:
            wait = begin_attempt(unit, account, caller.address, now)
            person, stored = find_person(unit, account), kept_hash(unit, account)
        if wait:
            return Attempt(wait_ms=wait), None
        with self._hashing:
            verdict = verify(stored, password)
            made = hashed(password) if verdict.right and verdict.rehash else None
        with self._register.transaction() as unit:
            if person is None or person.disabled or not verdict.right:
                # A name that nobody has may be a password by mistake: it is not written down.
                subject = "" if person is None else person.id
                audit(unit, None, "sign_in_failed", subject, {"address": caller.address}, now)
                return Attempt(), None
            forgive(unit, account, caller.address)
        return Attempt(person), made

    def _fresh(self, unit: Unit, person_id: str, caller: Caller, deed: str) -> str:
        now = self._clock.wall_ms()
        end_sessions_of(unit, person_id)
        audit(unit, person_id, deed, person_id, {"address": caller.address}, now)
        return start_session(unit, person_id, now, caller.address, caller.browser)
