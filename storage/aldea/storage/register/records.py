"""People-side records: what was entered in forms, with every version kept.

A correction is a new version of the same id, and so is a withdrawal; the last version counts. Writers of one
site take turns (its row is locked), so versions are gapless.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, and_, or_, select, update
from sqlalchemy import insert as plain_insert

from aldea.storage.register import record_words as words
from aldea.storage.register.errors import RegisterConflictError, RegisterError, UnknownEntryError
from aldea.storage.register.facts import lock_site
from aldea.storage.register.record_values import (
    EVERY_RECORD,
    NewRecord,
    Origin,
    Record,
    RecordFilter,
    record_of,
    values_of,
)
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import record, site

__all__ = [
    "NewRecord",
    "Origin",
    "Record",
    "RecordFilter",
    "current_records",
    "cursor_of",
    "list_records",
    "newest_version",
    "put_record",
    "put_records",
    "record_of_token",
    "record_versions",
    "withdraw_record",
]


def put_record(unit: Unit, new: NewRecord) -> Record:
    """Store a new record, or the next version of the one that `new.id` names, and return what is stored.

    The same content sent again with the same token (or origin) is answered with what was stored the first time.
    Raises RegisterConflictError when the token was used for other content, when the record was corrected by
    somebody else since (`supersedes`), or when site or form would change; UnknownEntryError without the site.
    """
    lock_site(unit, new.site)
    values = values_of(new)
    sent = _sent_before(unit, new)
    if sent is not None:
        if _same(sent, values):
            return sent
        raise RegisterConflictError(words.sent_before(sent.id))
    before = newest_version(unit, new.id) if new.id is not None else None
    if before is not None:
        _refuse_other(before, new)
        mine = and_(record.c.id == before.id, record.c.version == before.version)
        unit.connection.execute(update(record).where(mine).values(newest=False))
    values["version"] = 1 if before is None else before.version + 1
    values["supersedes"] = None if before is None else before.version
    unit.connection.execute(plain_insert(record).values(**values))
    return record_of(values)


def put_records(unit: Unit, entries: Sequence[NewRecord]) -> int:
    """Store many new records at once (first versions only), and say how many.

    For imports and seeding: what has a token or an id that is there already is an error of the caller's, and
    raises RegisterConflictError with nothing stored once the transaction is rolled back.
    """
    rows = [{**values_of(new), "version": 1, "supersedes": None} for new in entries]
    if rows:
        unit.connection.execute(plain_insert(record), rows)
    return len(rows)


def withdraw_record(
    unit: Unit, record_id: str, *, reason: str, author: str | None, at_ms: int, supersedes: int | None = None
) -> Record:
    """Let a record count no more, by a version that says so and why; withdrawing twice changes nothing.

    Raises UnknownEntryError for an id that is not there, RegisterError without a reason.
    """
    found = newest_version(unit, record_id)
    if found is None:
        raise UnknownEntryError(words.no_record(record_id))
    if not reason.strip():
        raise RegisterError(words.no_reason())
    lock_site(unit, found.site)
    found = newest_version(unit, record_id) or found
    if found.withdrawn:
        return found
    return put_record(
        unit,
        NewRecord(
            site=found.site,
            form=found.form,
            form_version=found.form_version,
            event_date=found.event_date,
            payload=found.payload,
            created_ms=at_ms,
            programme=found.programme,
            source="web",
            author=author,
            id=found.id,
            supersedes=supersedes,
            reason=reason,
            withdrawn=True,
        ),
    )


def newest_version(unit: Unit, record_id: str) -> Record | None:
    """Return the version of a record that counts, withdrawn or not; None when there is no such record."""
    row = unit.connection.execute(select(record).where(record.c.id == record_id, record.c.newest)).first()
    return None if row is None else record_of(row._asdict())


def record_versions(unit: Unit, record_id: str) -> tuple[Record, ...]:
    """Return every version of a record, oldest first; nothing when there is no such record."""
    wanted = select(record).where(record.c.id == record_id).order_by(record.c.version)
    return tuple(record_of(row._asdict()) for row in unit.connection.execute(wanted))


def record_of_token(unit: Unit, site_id: str, token: str) -> Record | None:
    """Return what was stored for a site under a sender's token, as it was stored then."""
    row = unit.connection.execute(select(record).where(record.c.site == site_id, record.c.token == token)).first()
    return None if row is None else record_of(row._asdict())


def current_records(
    unit: Unit,
    forms: Collection[str],
    first_day: date,
    last_day: date,
    sites: Collection[str] | None = None,
) -> tuple[Record, ...]:
    """Return the records of these forms with an event day in the span (both ends included), by site and day.

    Newest versions that are not withdrawn; `sites` None: all.
    """
    wanted = (
        select(record)
        .where(
            record.c.form.in_(forms),
            record.c.event_date.between(first_day, last_day),
            record.c.newest,
            record.c.withdrawn.is_(False),
        )
        .order_by(record.c.site, record.c.event_date, record.c.id)
    )
    if sites is not None:
        wanted = wanted.where(record.c.site.in_(sites))
    return tuple(record_of(row._asdict()) for row in unit.connection.execute(wanted))


def list_records(
    unit: Unit, only: RecordFilter = EVERY_RECORD, *, limit: int = 50, after: str | None = None
) -> tuple[Record, ...]:
    """Return up to `limit` records, last entered first, from behind `after` (see `cursor_of`).

    Newest versions, withdrawn ones too unless the filter says otherwise. Raises RegisterError for a cursor
    that is none.
    """
    wanted = _filtered(only).order_by(record.c.created_at_ms.desc(), record.c.id.desc()).limit(limit)
    if after is not None:
        at_ms, record_id = _read_cursor(after)
        earlier = and_(record.c.created_at_ms == at_ms, record.c.id < record_id)
        wanted = wanted.where(or_(record.c.created_at_ms < at_ms, earlier))
    return tuple(record_of(row._asdict()) for row in unit.connection.execute(wanted))


def cursor_of(last: Record) -> str:
    """Return the cursor for the page behind `last`."""
    return f"{last.created_ms}.{last.id}"


def _read_cursor(text: str) -> tuple[int, str]:
    at, dot, record_id = text.partition(".")
    if not (at.isdecimal() and at.isascii() and len(at) <= 15 and dot and record_id):
        raise RegisterError(words.no_cursor(text))
    return int(at), record_id


def _filtered(only: RecordFilter) -> Select[Any]:
    wanted = select(record).where(record.c.newest)
    if only.form is not None:
        wanted = wanted.where(record.c.form == only.form)
    if only.sites is not None:
        wanted = wanted.where(record.c.site.in_(only.sites))
    if only.first_day is not None:
        wanted = wanted.where(record.c.event_date >= only.first_day)
    if only.last_day is not None:
        wanted = wanted.where(record.c.event_date <= only.last_day)
    if only.programmes is not None:
        wanted = wanted.where(record.c.programme.in_(only.programmes))
    if only.simulated is not None:
        there = select(site.c.id).where(site.c.simulated.is_(only.simulated))
        wanted = wanted.where(record.c.site.in_(there))
    if only.withdrawn is not None:
        wanted = wanted.where(record.c.withdrawn.is_(only.withdrawn))
    return wanted


def _sent_before(unit: Unit, new: NewRecord) -> Record | None:
    if new.token is not None:
        return record_of_token(unit, new.site, new.token)
    if new.origin is None:
        return None
    origin = and_(
        record.c.site == new.site,
        record.c.source_device == new.origin.device,
        record.c.source_epoch == new.origin.epoch,
        record.c.source_seq == new.origin.seq,
    )
    row = unit.connection.execute(select(record).where(origin)).first()
    return None if row is None else record_of(row._asdict())


def _same(sent: Record, values: Mapping[str, Any]) -> bool:
    names = ("site", "form", "event_date", "payload", "withdrawn", "programme")
    return all(getattr(sent, name) == values[name] for name in names)


def _refuse_other(before: Record, new: NewRecord) -> None:
    if (before.site, before.form) != (new.site, new.form):
        raise RegisterConflictError(words.stays(before.id, before.form, before.site))
    if new.supersedes is not None and new.supersedes != before.version:
        raise RegisterConflictError(words.changed_meanwhile(before.id, before.version, new.supersedes))
