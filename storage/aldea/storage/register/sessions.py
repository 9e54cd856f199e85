"""Sessions of signed-in people. The browser holds a random token; here is its digest alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, insert, or_, select, update

from aldea.storage.register.encoding import clean_text
from aldea.storage.register.register import Unit
from aldea.storage.register.secrets import digest, new_secret
from aldea.storage.register.tables import web_session

HOUR_MS = 3_600_000
IDLE_MS = 12 * HOUR_MS
"""A session that is not used for so long is over."""
LONGEST_MS = 14 * 24 * HOUR_MS
"""However it is used, a session is over after so long."""
TOUCH_MS = 5 * 60_000
"""How exactly its use is remembered: every look would otherwise be a write."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session; `digest` names it, the token itself is nowhere but in the browser."""

    digest: str
    person: str
    created_ms: int
    used_ms: int
    address: str
    browser: str


def start_session(unit: Unit, person_id: str, at_ms: int, address: str = "", browser: str = "") -> str:
    """Begin a session and return its token. Sessions that are over are removed by the way."""
    unit.connection.execute(delete(web_session).where(_over(at_ms)))
    token = new_secret()
    unit.connection.execute(
        insert(web_session).values(
            digest=digest(token),
            person=person_id,
            created_ms=at_ms,
            used_ms=at_ms,
            address=clean_text(address)[:64],
            browser=clean_text(browser)[:200],
        )
    )
    return token


def find_session(unit: Unit, token: str, at_ms: int) -> Session | None:
    """Return the session of a token, or None: it is over, was ended, or never was."""
    row = unit.connection.execute(select(web_session).where(web_session.c.digest == digest(token))).first()
    if row is None or at_ms >= row.used_ms + IDLE_MS or at_ms >= row.created_ms + LONGEST_MS:
        return None
    return _session(row)


def needs_touch(session: Session, at_ms: int) -> bool:
    """Whether its use should be written down."""
    return at_ms - session.used_ms >= TOUCH_MS


def touch_session(unit: Unit, session_digest: str, at_ms: int) -> None:
    """Remember that a session is in use."""
    mine = and_(web_session.c.digest == session_digest, web_session.c.used_ms < at_ms)
    unit.connection.execute(update(web_session).where(mine).values(used_ms=at_ms))


def end_session(unit: Unit, session_digest: str) -> None:
    """End one session."""
    unit.connection.execute(delete(web_session).where(web_session.c.digest == session_digest))


def end_sessions_of(unit: Unit, person_id: str, besides: str | None = None) -> int:
    """End somebody's sessions, but for the one named by its digest; return how many."""
    wanted = delete(web_session).where(web_session.c.person == person_id)
    if besides is not None:
        wanted = wanted.where(web_session.c.digest != besides)
    return unit.connection.execute(wanted).rowcount


def sessions_of(unit: Unit, person_id: str, at_ms: int) -> tuple[Session, ...]:
    """Return somebody's sessions that are not over, the one used last first."""
    wanted = select(web_session).where(web_session.c.person == person_id).order_by(web_session.c.used_ms.desc())
    rows = unit.connection.execute(wanted)
    return tuple(_session(row) for row in rows if at_ms < row.used_ms + IDLE_MS and at_ms < row.created_ms + LONGEST_MS)


def _over(at_ms: int) -> ColumnElement[bool]:
    return or_(web_session.c.used_ms <= at_ms - IDLE_MS, web_session.c.created_ms <= at_ms - LONGEST_MS)


def _session(row: Row[Any]) -> Session:
    return Session(row.digest, row.person, row.created_ms, row.used_ms, row.address, row.browser)
