"""Rows for the register that could not be taken: kept with the reason, for whoever looks into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, func, select

from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import returned_document

KEPT_MOST = 10_000


class Why(StrEnum):
    """Why a row was not taken: a word that each page says in its reader's language."""

    UNREADABLE = "unreadable"
    """It is not what its kind of row is."""
    UNKNOWN = "unknown"
    """It speaks of a site, a device or a command that the register does not have."""
    REFUSED = "refused"
    """The register has a reason against it."""
    UNKNOWN_KIND = "unknown_kind"
    """Nobody here takes this kind of row: the box's program is newer."""
    FAULT = "fault"
    """The server's own program stumbled over it."""


def why_not(error: Exception) -> Why:
    """Return the word for what was raised while a row was taken."""
    if isinstance(error, UnknownEntryError):
        return Why.UNKNOWN
    if isinstance(error, RegisterError):
        return Why.REFUSED
    return Why.UNREADABLE if isinstance(error, ValueError) else Why.FAULT


@dataclass(frozen=True, slots=True)
class ReturnedDocument:
    """A row with its place in the device's outbox, and why it was not taken.

    `reason` is `word: sentence`, a word of Why and the program's own sentence for whoever looks after it.
    """

    site: str
    device: str
    epoch: str
    seq: int
    measurement: str
    fields: Mapping[str, Any]
    reason: str
    at_ms: int

    @property
    def why(self) -> Why | None:
        """The reason's word; None for one that was kept without."""
        word = self.reason.partition(":")[0]
        return Why(word) if word in {item.value for item in Why} else None

    @property
    def detail(self) -> str:
        """The program's own sentence."""
        return self.reason if self.why is None else self.reason.partition(":")[2].strip()


def return_document(unit: Unit, one: ReturnedDocument) -> None:
    """Keep a row; the same row again changes nothing. The oldest go beyond ten thousand."""
    values = {
        "site": one.site,
        "device": one.device,
        "epoch": one.epoch[:32],
        "seq": one.seq,
        "measurement": clean_text(one.measurement)[:80],
        "fields": plain(dict(one.fields)),
        "reason": clean_text(one.reason)[:500],
        "at_ms": one.at_ms,
    }
    fresh = insert(unit, returned_document).on_conflict_do_nothing(index_elements=["site", "device", "epoch", "seq"])
    unit.connection.execute(fresh.values(**values))
    newest = select(func.max(returned_document.c.id)).scalar_subquery()
    unit.connection.execute(delete(returned_document).where(returned_document.c.id <= newest - KEPT_MOST))


def returned_documents(
    unit: Unit, limit: int = 100, *, site: str | None = None, device: str | None = None
) -> tuple[ReturnedDocument, ...]:
    """Return the newest, the newest first: all, or those of a site or of one of its devices."""
    wanted = select(returned_document).order_by(returned_document.c.id.desc()).limit(limit)
    if site is not None:
        wanted = wanted.where(returned_document.c.site == site)
    if device is not None:
        wanted = wanted.where(returned_document.c.device == device)
    names = ("site", "device", "epoch", "seq", "measurement", "fields", "reason", "at_ms")
    return tuple(
        ReturnedDocument(**{name: getattr(row, name) for name in names}) for row in unit.connection.execute(wanted)
    )
