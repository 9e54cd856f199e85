"""Who did what, when: written in the transaction that does it, and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select

from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import audit_entry


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One deed. `person` None: the demo administrator, the command line, or somebody unknown (see `detail`)."""

    id: int
    at_ms: int
    person: str | None
    action: str
    subject: str
    detail: Mapping[str, Any]


def audit(
    unit: Unit, person: str | None, action: str, subject: str, detail: Mapping[str, Any] | None, at_ms: int
) -> None:
    """Write down a deed: `action` a word such as `grant_given`, `subject` what it was done to. Never a secret."""
    unit.connection.execute(
        insert(audit_entry).values(
            at_ms=at_ms,
            person=person,
            action=action[:60],
            subject=clean_text(subject)[:120],
            detail=plain(dict(detail or {})),
        )
    )


def list_audit(
    unit: Unit, *, person: str | None = None, before: int | None = None, limit: int = 100
) -> tuple[AuditEntry, ...]:
    """Return deeds, the newest first: of everybody or one person, from before an entry's number."""
    wanted = select(audit_entry).order_by(audit_entry.c.id.desc()).limit(limit)
    if person is not None:
        wanted = wanted.where(audit_entry.c.person == person)
    if before is not None:
        wanted = wanted.where(audit_entry.c.id < before)
    rows = unit.connection.execute(wanted)
    return tuple(AuditEntry(row.id, row.at_ms, row.person, row.action, row.subject, row.detail) for row in rows)
