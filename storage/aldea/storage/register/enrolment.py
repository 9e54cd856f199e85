"""Enrolment of devices: one-time codes, shown once and kept as hashes, and what a used code leads to."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from aldea.model.said import Said
from aldea.model.sample import is_id
from aldea.storage.register import enrolment_words as words
from aldea.storage.register.credentials import device_username, make_credential
from aldea.storage.register.devices import Device, enrol_device, find_device, reinstate_device
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.facts import lock_site
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import SiteState, find_site, state_at
from aldea.storage.register.tables import device as device_table
from aldea.storage.register.tables import enrolment_attempt, enrolment_code

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""No 0, 1, I, L, O and U: nothing that is read out loud or copied by hand becomes something else."""

CODE_LENGTH = 8
HOUR_MS = 3_600_000
DEFAULT_HOURS = 24
LONGEST_HOURS = 14 * 24

WINDOW_MS = 10 * 60_000
WRONG_PER_SOURCE = 10
WRONG_IN_ALL = 200


class EnrolmentRefused(RegisterError):
    """The code leads nowhere; the message says why and what to do."""


class TooManyAttempts(EnrolmentRefused):
    """Too many wrong codes have been tried; `retry_after_seconds` says when to come back."""

    def __init__(self, retry_after_seconds: int) -> None:
        minutes = -(-retry_after_seconds // 60)
        super().__init__(words.too_many(minutes))
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Code:
    """A code as it was issued; `text` is known only at that moment."""

    site: str
    device: str
    text: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class PendingCode:
    """A code that may still be used, without its text."""

    site: str
    device: str
    created_ms: int
    expires_ms: int
    author: str


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What the device gets for its code. The password is not kept by us: it is said once."""

    site: str
    device: str
    username: str
    password: str = field(repr=False)
    timezone: str


def issue_code(unit: Unit, site: str, device: str, at_ms: int, author: str, hours: float = DEFAULT_HOURS) -> Code:
    """Return a new code with which `device` of `site` may fetch its credential once; older codes for it end.

    Raises UnknownEntryError for a site that is not registered, RegisterError for a simulated or closed one,
    a device id that can't be, or a time that is too long.
    """
    lock_site(unit, site)
    _refuse_unsuitable(unit, site, device, at_ms)
    if not 0 < hours <= LONGEST_HOURS:
        raise RegisterError(
            Said(
                f"a code lives from a moment to {LONGEST_HOURS} hours, not {hours:g}",
                f"un código vale más de 0 y hasta {LONGEST_HOURS} horas, no {hours:g}",
            )
        )
    withdraw_codes(unit, site, device, at_ms)
    text = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    expires = at_ms + round(hours * HOUR_MS)
    unit.connection.execute(
        insert(enrolment_code).values(
            site=site,
            device=device,
            code_hash=hash_code(text),
            author=author[:120],
            created_ms=at_ms,
            expires_ms=expires,
        )
    )
    return Code(site, device, f"{text[:4]}-{text[4:]}", expires)


def withdraw_codes(unit: Unit, site: str, device: str, at_ms: int) -> int:
    """End the codes of a device that nobody has used; return how many."""
    mine = (enrolment_code.c.site == site, enrolment_code.c.device == device)
    open_ones = (enrolment_code.c.used_ms.is_(None), enrolment_code.c.withdrawn_ms.is_(None))
    statement = update(enrolment_code).where(*mine, *open_ones).values(withdrawn_ms=at_ms)
    return unit.connection.execute(statement).rowcount


def pending_codes(unit: Unit, site: str, at_ms: int) -> tuple[PendingCode, ...]:
    """Return the site's codes that can still be used."""
    table = enrolment_code.c
    wanted = select(enrolment_code).where(
        table.site == site, table.used_ms.is_(None), table.withdrawn_ms.is_(None), table.expires_ms > at_ms
    )
    rows = unit.connection.execute(wanted.order_by(table.device))
    return tuple(PendingCode(row.site, row.device, row.created_ms, row.expires_ms, row.author) for row in rows)


def redeem_code(
    unit: Unit, text: str, hardware: Mapping[str, Any], at_ms: int, *, held_site: str | None = None
) -> Enrolled:
    """Exchange a code for the device's credential. The credential it had before ends.

    A device that the site does not have yet is added, as its primary one if it has none. `held_site`: the site whose
    data the device still holds; it must be the code's.
    Raises EnrolmentRefused with a sentence for a code that is not known, used, withdrawn or over.
    """
    row = _find(unit, text)
    _refuse_dead(row, at_ms)
    assert row is not None
    site = find_site(unit, row.site)
    if site is None:
        raise EnrolmentRefused(words.site_gone())
    if held_site is not None and held_site != row.site:
        raise EnrolmentRefused(words.other_site(row.site, held_site))
    _refuse_unsuitable(unit, row.site, row.device, at_ms)
    unit.connection.execute(update(enrolment_code).where(enrolment_code.c.id == row.id).values(used_ms=at_ms))
    _ensure_device(unit, row.site, row.device, at_ms)
    username = device_username(row.site, row.device)
    password = make_credential(unit, username, at_ms, site=row.site, device=row.device, hardware=hardware)
    return Enrolled(row.site, row.device, username, password, site.timezone)


def note_wrong_attempt(unit: Unit, source: str, at_ms: int) -> None:
    """Count a wrong code of `source` (an address). What is older than ten minutes is forgotten."""
    unit.connection.execute(delete(enrolment_attempt).where(enrolment_attempt.c.at_ms <= at_ms - WINDOW_MS))
    unit.connection.execute(insert(enrolment_attempt).values(source=source[:80], at_ms=at_ms))


def refuse_many_attempts(unit: Unit, source: str, at_ms: int) -> None:
    """Raise TooManyAttempts after ten wrong codes of one source, or two hundred in all, in ten minutes."""
    recent = enrolment_attempt.c.at_ms > at_ms - WINDOW_MS
    tally = select(func.count(), func.min(enrolment_attempt.c.at_ms)).select_from(enrolment_attempt).where(recent)
    for wanted, most in (
        (tally.where(enrolment_attempt.c.source == source[:80]), WRONG_PER_SOURCE),
        (tally, WRONG_IN_ALL),
    ):
        count, oldest = unit.connection.execute(wanted).one()
        if count >= most:
            raise TooManyAttempts(max(1, (oldest + WINDOW_MS - at_ms) // 1000))


def normalised(text: str) -> str:
    """Return a code as it is compared: upper case, letters and digits alone."""
    return "".join(letter for letter in text.upper() if letter.isalnum())


def hash_code(text: str) -> str:
    """Return what is kept of a code: scrypt, slow on purpose because a code is short.

    The salt is fixed, so that a code can be looked up; it is random and lives for a day.
    """
    made = hashlib.scrypt(normalised(text).encode(), salt=b"aldea enrolment code 1", n=2**13, r=8, p=1, dklen=32)
    return made.hex()


def _find(unit: Unit, text: str) -> Row[Any] | None:
    code = normalised(text)
    if len(code) != CODE_LENGTH or set(code) - set(ALPHABET):
        raise EnrolmentRefused(words.no_code(CODE_LENGTH))
    wanted = select(enrolment_code).where(enrolment_code.c.code_hash == hash_code(code)).with_for_update()
    return unit.connection.execute(wanted).first()


def _refuse_dead(row: Row[Any] | None, at_ms: int) -> None:
    if row is None:
        raise EnrolmentRefused(words.not_known())
    if row.used_ms is not None:
        raise EnrolmentRefused(words.used())
    if row.withdrawn_ms is not None:
        raise EnrolmentRefused(words.replaced())
    if row.expires_ms <= at_ms:
        raise EnrolmentRefused(words.over())


def _refuse_unsuitable(unit: Unit, site: str, device: str, at_ms: int) -> None:
    found = find_site(unit, site)
    if found is None:
        raise UnknownEntryError(
            Said(
                f"site {site!r} is not registered: add it first (`aldea site add`)",
                f"el sitio {site!r} no está registrado: primero hay que agregarlo (`aldea site add`)",
            )
        )
    if found.simulated:
        raise RegisterError(
            Said(
                f"site {site!r} is simulated: a real device can't be enrolled there",
                f"el sitio {site!r} es simulado: ahí no se puede inscribir un equipo real",
            )
        )
    if state_at(unit, site, at_ms) is SiteState.CLOSED:
        raise RegisterError(
            Said(
                f"site {site!r} is closed: open it again before a device is enrolled",
                f"el sitio {site!r} está cerrado: hay que abrirlo otra vez antes de inscribir un equipo",
            )
        )
    if not is_id(device):
        raise RegisterError(
            Said(
                f"device {device[:60]!r} must be 1 to 39 of a-z, 0-9 and -, not starting with -",
                f"el equipo {device[:60]!r} debe tener de 1 a 39 caracteres de a-z, 0-9 y -, sin empezar con -",
            )
        )


def _ensure_device(unit: Unit, site: str, device: str, at_ms: int) -> None:
    found = find_device(unit, site, device)
    if found is None:
        primary = select(device_table.c.id).where(device_table.c.site == site, device_table.c.is_primary)
        first = unit.connection.execute(primary).first() is None
        enrol_device(unit, Device(site=site, id=device, kind="agent", enrolled_at_ms=at_ms, is_primary=first))
    elif found.retired_at_ms is not None:
        reinstate_device(unit, site, device, at_ms)
