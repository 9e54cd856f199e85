"""Files that were uploaded and wait to be confirmed: bounded in number, and forgotten after an hour."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from aldea.storage.register.encoding import clean_text
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import import_upload

LIFE_MS = 60 * 60 * 1000
MOST = 20


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came. Only its `owner` may look at it."""

    id: str
    owner: str
    name: str
    content: bytes
    created_ms: int


def keep_upload(unit: Unit, owner: str, name: str, content: bytes, at_ms: int) -> str:
    """Keep a file for an hour and return its id; the oldest go when there are more than twenty."""
    table = import_upload.c
    unit.connection.execute(delete(import_upload).where(table.created_ms <= at_ms - LIFE_MS))
    newest = select(table.id).order_by(table.created_ms.desc()).limit(MOST - 1)
    kept = list(unit.connection.execute(newest).scalars())
    unit.connection.execute(delete(import_upload).where(table.id.not_in(kept)))
    made = secrets.token_urlsafe(18)
    unit.connection.execute(
        insert(import_upload).values(
            id=made, owner=owner[:120], name=clean_text(name)[:200], content=content, created_ms=at_ms
        )
    )
    return made


def find_upload(unit: Unit, upload: str, owner: str, at_ms: int) -> Upload | None:
    """Return a file that its owner uploaded within the hour, None for any other."""
    row = unit.connection.execute(select(import_upload).where(import_upload.c.id == upload)).first()
    if row is None or row.owner != owner[:120] or row.created_ms <= at_ms - LIFE_MS:
        return None
    return Upload(row.id, row.owner, row.name, bytes(row.content), row.created_ms)


def forget_upload(unit: Unit, upload: str) -> None:
    """Forget a file."""
    unit.connection.execute(delete(import_upload).where(import_upload.c.id == upload))
