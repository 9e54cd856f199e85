"""Tokens for programs that ask the API in somebody's name: fewer rights than theirs, never more."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from aldea.model.said import Said
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.secrets import digest, new_secret
from aldea.storage.register.tables import api_token

PREFIX = "aldea_"
NAME_LIMIT = 80
TOUCH_MS = 5 * 60_000
MOST = 50
"""Tokens that one person may have at a time."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token's description. `permissions`, `programme` and `region` narrow what its owner may do."""

    id: int
    person: str
    name: str
    permissions: tuple[str, ...]
    programme: str
    region: str
    created_ms: int
    expires_ms: int | None
    used_ms: int | None
    revoked_ms: int | None

    def works(self, at_ms: int) -> bool:
        """Whether it may be used at `at_ms`."""
        return self.revoked_ms is None and (self.expires_ms is None or at_ms < self.expires_ms)


def make_token(
    unit: Unit,
    person_id: str,
    name: str,
    permissions: Collection[str],
    at_ms: int,
    *,
    programme: str = "",
    region: str = "",
    expires_ms: int | None = None,
) -> tuple[str, Token]:
    """Make a token and return its secret, which is told this once, and its description.

    Raises RegisterError for a name or an end that can't be, and for one token too many.
    """
    text = clean_text(name.strip())
    if not 0 < len(text) <= NAME_LIMIT:
        raise RegisterError(
            Said(
                f"the token needs a name of 1 to {NAME_LIMIT} characters, such as the program's",
                f"el token necesita un nombre de 1 a {NAME_LIMIT} caracteres, como el del programa",
            )
        )
    if not permissions:
        raise RegisterError(
            Said(
                "the token would allow nothing: choose at least one permission",
                "el token no permitiría nada: hay que elegir al menos un permiso",
            )
        )
    if expires_ms is not None and expires_ms <= at_ms:
        raise RegisterError(
            Said(
                "the token would have ended already: choose a later day",
                "el token ya habría vencido: hay que elegir un día posterior",
            )
        )
    if sum(token.works(at_ms) for token in tokens_of(unit, person_id)) >= MOST:
        raise RegisterError(
            Said(
                f"there are {MOST} tokens already: revoke those that are not used",
                f"ya hay {MOST} tokens: hay que revocar los que no se usan",
            )
        )
    secret = new_secret(PREFIX)
    values = {
        "person": person_id,
        "name": text,
        "permissions": sorted(permissions),
        "programme": programme,
        "region": region,
        "created_ms": at_ms,
        "expires_ms": expires_ms,
    }
    row = unit.connection.execute(insert(api_token).values(digest=digest(secret), **values).returning(api_token)).one()
    return secret, _token(row)


def find_token(unit: Unit, secret: str, at_ms: int) -> Token | None:
    """Return the token of a secret, or None: it has ended, was revoked, or never was."""
    if not secret.startswith(PREFIX):
        return None
    row = unit.connection.execute(select(api_token).where(api_token.c.digest == digest(secret))).first()
    found = None if row is None else _token(row)
    return found if found is not None and found.works(at_ms) else None


def needs_touch(token: Token, at_ms: int) -> bool:
    """Whether its use should be written down."""
    return token.used_ms is None or at_ms - token.used_ms >= TOUCH_MS


def touch_token(unit: Unit, token_id: int, at_ms: int) -> None:
    """Remember that a token was used."""
    older = or_(api_token.c.used_ms.is_(None), api_token.c.used_ms < at_ms)
    unit.connection.execute(update(api_token).where(api_token.c.id == token_id, older).values(used_ms=at_ms))


def revoke_token(unit: Unit, person_id: str, token_id: int, at_ms: int) -> Token:
    """Let one of somebody's tokens work no more. Raises UnknownEntryError when it is not theirs."""
    mine = (api_token.c.id == token_id, api_token.c.person == person_id)
    row = unit.connection.execute(select(api_token).where(*mine)).first()
    if row is None:
        raise UnknownEntryError(
            Said(
                f"{person_id} has no token {token_id}: load the page again",
                f"{person_id} no tiene el token {token_id}: cargar la página otra vez",
            )
        )
    unit.connection.execute(update(api_token).where(*mine, api_token.c.revoked_ms.is_(None)).values(revoked_ms=at_ms))
    return _token(row)


def tokens_of(unit: Unit, person_id: str) -> tuple[Token, ...]:
    """Return somebody's tokens, the newest first, revoked and ended ones too."""
    wanted = select(api_token).where(api_token.c.person == person_id).order_by(api_token.c.id.desc())
    return tuple(_token(row) for row in unit.connection.execute(wanted))


def _token(row: Row[Any]) -> Token:
    return Token(
        row.id,
        row.person,
        row.name,
        tuple(str(item) for item in row.permissions),
        row.programme,
        row.region,
        row.created_ms,
        row.expires_ms,
        row.used_ms,
        row.revoked_ms,
    )
