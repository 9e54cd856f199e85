"""The door to the facilitator's pages: the PIN, its session's cookie, and the tokens of all forms."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aldea.agents.page.inviting import Invitations
from aldea.agents.page.patience import Patience, Wait, place_of
from aldea.agents.page.pins import PinStore, is_right
from aldea.agents.page.sessions import Sessions

COOKIE = "aldea_box"
KNOWN_COOKIE = "aldea_known"
KNOWN_SECONDS = 180 * 86_400


@dataclass(frozen=True, slots=True)
class Refused:
    """The PIN was not taken: `wait` until the next try counts, of 0 when it was wrong and may be tried again."""

    wait: Wait


@dataclass(slots=True)
class Gate:
    """Knows who has given the PIN. Used by several threads."""

    pins: PinStore
    sessions: Sessions
    patience: Patience
    key: bytes
    invitations: Invitations
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    _last_hash: str | None = None

    def current(self) -> str | None:
        """Return the hash of the PIN that holds, None while there is none."""
        return self.pins.current(self._last_hash)

    def is_signed_in(self, request: Any, *, is_use: bool = True) -> bool:
        """Say whether this request's session goes on. A new PIN ends the sessions of the old one.

        `is_use` False: it is only shown; a page that loads again by itself would keep a session open for ever.
        """
        current = self.current()
        with self._one_at_a_time:
            if current != self._last_hash:
                self.sessions.end_all()
                self._last_hash = current
        return current is not None and self.sessions.is_open(request.get_cookie(COOKIE), is_use=is_use)

    def sign_in(self, request: Any, pin: str) -> str | Refused:
        """Return a new session's word for the right PIN. One try at a time, or many at once would all be the first."""
        hashed = self.current()
        known = self._known(request, hashed)
        who = place_of(str(request.environ.get("REMOTE_ADDR", ""))) if known is None else f"known {known}"
        with self._one_at_a_time:
            wait = self.patience.wait(who, known=known is not None)
            if wait.ms > 0:
                return Refused(wait)
            if hashed is None or not is_right(pin, hashed):
                self.patience.wrong(who, known=known is not None)
                return Refused(self.patience.wait(who, known=known is not None))
            self.patience.right(who)
            self._last_hash = hashed
            return self.sessions.begin()

    def new_known(self) -> str:
        """Return the word by which a browser is known that has just given the PIN; good until there is another PIN."""
        name = secrets.token_hex(8)
        return f"{name}.{self._seal(name, self.current())}"

    def let_in(self, request: Any, word: str) -> str | None:
        """Return what a browser is known by from now on that was given a word elsewhere, None for no such word."""
        if not (word and self.invitations.take(word)):
            return None
        known = self.new_known()
        put_cookie(request, KNOWN_COOKIE, known)
        return known

    def _known(self, request: Any, hashed: str | None) -> str | None:
        name, _, seal = (request.get_cookie(KNOWN_COOKIE) or "").partition(".")
        is_ours = hashed is not None and hmac.compare_digest(seal.encode(), self._seal(name, hashed).encode())
        return name if is_ours else None

    def _seal(self, name: str, hashed: str | None) -> str:
        return hmac.new(self.key, f"known {name} {hashed}".encode(), hashlib.sha256).hexdigest()[:32]

    def token(self, request: Any) -> str:
        """Return the token that this browser's forms carry: only a page that we sent it can know it.

        It is the same after the session has ended, so that a form over which somebody sat for long is not refused
        but carried through the PIN.
        """
        who = request.get_cookie(COOKIE) or request.environ.get("REMOTE_ADDR", "")
        return hmac.new(self.key, who.encode(), hashlib.sha256).hexdigest()[:32]

    @staticmethod
    def is_from_here(request: Any) -> bool | None:
        """Say whether the browser vouches for one of our own pages as the sender; None: it does not say.

        Older browsers send no Origin with a form, but the page's address (Referer). Another site can make a browser
        leave that out, never have it name ours.
        """
        host, origin = request.get_header("Host", ""), request.get_header("Origin")
        if origin is not None:
            return bool(origin.partition("://")[2] == host)
        referer = request.get_header("Referer")
        return None if referer is None else bool(urlsplit(referer).netloc == host)

    def token_is_right(self, request: Any, given: str) -> bool:
        """Say whether a form carries our token, and was sent from one of our own pages."""
        if self.is_from_here(request) is False:
            return False
        return hmac.compare_digest(given.encode(), self.token(request).encode())


def put_cookie(request: Any, name: str, value: str) -> None:
    """Have a request carry a cookie that its browser is only being given with the answer, besides its others."""
    before = request.environ.get("HTTP_COOKIE", "")
    request.environ["HTTP_COOKIE"] = f"{before}; {name}={value}" if before else f"{name}={value}"
    request.environ.pop("bottle.request.cookies", None)
