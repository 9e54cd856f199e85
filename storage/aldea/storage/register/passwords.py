"""Passwords as Argon2id digests, and one-time links to set one.

Parameters: RFC 9106 names Argon2id; 19 MiB, two passes, one lane is the small setting that OWASP's password
storage cheat sheet gives, and fits a server that is a single-board computer. Changing them here makes every
password be hashed anew when it is next used.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, select

from aldea.model.said import Said
from aldea.storage.register.errors import RegisterError
from aldea.storage.register.register import Unit
from aldea.storage.register.secrets import digest, new_secret
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import password, password_link

HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, salt_len=16, type=Type.ID)
SHORTEST, LONGEST = 10, 200
FEWEST_DIFFERENT = 5
LINK_MS = 72 * 3_600_000
"""How long a link to set a password may be used."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password was right; `rehash`: it is kept by older parameters and should be hashed anew."""

    right: bool
    rehash: bool = False


class Weakness(StrEnum):
    """Why a password may not be used, as a sentence."""

    SHORT = "the password needs at least 10 characters: several words in a row are good"
    LONG = "the password has 200 characters at most"
    EVEN = "the password needs at least 5 different characters"
    NAME = "the password must not be the name"


def weakness(text: str, person_id: str, label: str = "") -> Weakness | None:
    """Return what is wrong with a new password, or None when it may be used."""
    if len(text) < SHORTEST:
        return Weakness.SHORT
    if len(text) > LONGEST:
        return Weakness.LONG
    if len(set(text)) < FEWEST_DIFFERENT:
        return Weakness.EVEN
    if text.casefold() in {person_id.casefold(), label.casefold()}:
        return Weakness.NAME
    return None


def hashed(text: str) -> str:
    """Return the digest to keep. Takes some ten milliseconds and 19 MiB: do it outside of a transaction."""
    return HASHER.hash(text)


def verify(stored: str | None, text: str) -> Verdict:
    """Compare a password with what is kept; with nothing kept it takes as long, and is wrong."""
    known = stored if stored is not None else _nobodys()
    try:
        HASHER.verify(known, text[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return Verdict(right=False)
    return Verdict(right=stored is not None, rehash=HASHER.check_needs_rehash(known))


def keep_hash(unit: Unit, person_id: str, made: str | None, at_ms: int) -> None:
    """Keep a password's digest; None takes the password away. Links that were out are of no use any more."""
    statement = insert(unit, password)
    unit.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["person"],
            set_={"hash": statement.excluded.hash, "changed_ms": statement.excluded.changed_ms},
        ),
        {"person": person_id, "hash": made, "changed_ms": at_ms},
    )
    unit.connection.execute(delete(password_link).where(password_link.c.person == person_id))


def kept_hash(unit: Unit, person_id: str) -> str | None:
    """Return the digest of somebody's password, or None: they have none, or there is nobody of that name."""
    return unit.connection.execute(select(password.c.hash).where(password.c.person == person_id)).scalar_one_or_none()


def make_link(unit: Unit, person_id: str, at_ms: int) -> str:
    """Return the secret code of a new link to set a password; links made before stop working."""
    unit.connection.execute(delete(password_link).where(password_link.c.person == person_id))
    code = new_secret()
    values = {"digest": digest(code), "person": person_id, "created_ms": at_ms, "expires_ms": at_ms + LINK_MS}
    unit.connection.execute(insert(unit, password_link), values)
    return code


def person_of_link(unit: Unit, code: str, at_ms: int) -> str | None:
    """Return whose password a link may set at `at_ms`, or None: it was used, has ended, or never was."""
    wanted = select(password_link.c.person).where(
        password_link.c.digest == digest(code), password_link.c.expires_ms > at_ms
    )
    return unit.connection.execute(wanted).scalar_one_or_none()


def use_link(unit: Unit, code: str, made: str, at_ms: int) -> str:
    """Keep the password's digest for whom the link was made, once. Raises RegisterError when it can't be used."""
    person_id = person_of_link(unit, code, at_ms)
    if person_id is None:
        raise RegisterError(
            Said(
                "the link was used already or has ended: ask for a new one",
                "el enlace ya se usó o ya venció: hay que pedir otro",
            )
        )
    keep_hash(unit, person_id, made, at_ms)
    return person_id


@lru_cache(maxsize=1)
def _nobodys() -> str:
    return hashed(new_secret())
