"""Records that come from the boxes: their versions in the box's order, and those that were given back.

A box counts a record's versions itself, and they may arrive in any order. The box's newest one counts, the others
are its history, each in its place. What was corrected at the server meanwhile stays the server's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy import insert as plain_insert

from aldea.model.forms.envelope import RecordVersion
from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.facts import lock_site
from aldea.storage.register.record_values import NewRecord, Record, values_of
from aldea.storage.register.records import put_record, record_versions
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import record, returned_record, site

AGENT = "agent"


class Taken(StrEnum):
    """What became of a version from a box."""

    STORED = "stored"
    KNOWN = "known"
    OTHER_CONTENT = "other_content"
    OTHER_RECORD = "other_record"
    CORRECTED_HERE = "corrected_here"


class Resolution(StrEnum):
    """How a record that was given back came to its end."""

    ENTERED = "entered"
    REPLACED = "replaced"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedRecord(RecordVersion):
    """A version that could not be taken, as it came, and why: `sentences` by language.

    `resolved_ms` None: somebody has still to see to it.
    """

    site: str
    device: str
    sentences: Mapping[str, Sequence[str]]
    arrived_ms: int
    resolved_ms: int | None = None
    resolution: Resolution | None = None
    resolved_by: str | None = None


def token_of(record_id: str, version: int) -> str:
    """Return what tells a box's version from every other."""
    return f"{record_id}:{version}"


def put_site_version(unit: Unit, new: NewRecord, version: int) -> Taken:
    """Store a box's version of the record `new.id`, in its place among the box's other versions.

    Nothing changes unless it answers STORED. Raises UnknownEntryError for a site that is not registered.
    """
    assert new.id is not None
    lock_site(unit, new.site)
    there = record_versions(unit, new.id)
    new = replace(new, token=token_of(new.id, version), source=AGENT)
    if any((item.site, item.form) != (new.site, new.form) for item in there):
        return Taken.OTHER_RECORD
    mine = {number: item for item in there if (number := _version_at_box(item)) is not None}
    if version in mine:
        return Taken.KNOWN if _same(mine[version], new) else Taken.OTHER_CONTENT
    later = [item.version for number, item in mine.items() if number > version]
    if later:
        _put_before(unit, new, min(later), there)
    elif there and there[-1].source != AGENT:
        return Taken.CORRECTED_HERE
    else:
        put_record(unit, new)
    return Taken.STORED


def newest_site_version(unit: Unit, record_id: str) -> int:
    """Return the highest of the box's own version numbers that is stored of a record; 0 where there is none."""
    return max((_version_at_box(item) or 0 for item in record_versions(unit, record_id)), default=0)


def _version_at_box(item: Record) -> int | None:
    if item.source != AGENT or item.token is None:
        return None
    name, _, number = item.token.partition(":")
    return int(number) if name == item.id and number.isdecimal() else None


def _same(stored: Record, new: NewRecord) -> bool:
    content = (stored.event_date, stored.payload, stored.withdrawn)
    return content == (new.event_date, plain(dict(new.payload)), new.withdrawn)


def _put_before(unit: Unit, new: NewRecord, place: int, there: Sequence[Record]) -> None:
    """Insert an earlier version at `place`; those behind it move on by one, the last first."""
    for item in sorted(there, key=lambda item: item.version, reverse=True):
        if item.version >= place:
            behind = (record.c.id == item.id, record.c.version == item.version)
            unit.connection.execute(
                update(record).where(*behind).values(version=item.version + 1, supersedes=item.version)
            )
    before = place - 1 if place > 1 else None
    values = {**values_of(new), "version": place, "supersedes": before, "newest": False}
    unit.connection.execute(plain_insert(record).values(**values))


# -- given back


def give_back(unit: Unit, new: ReturnedRecord) -> None:
    """Keep a version that could not be taken, once."""
    if find_returned(unit, new.site, new.record, new.version) is not None:
        return
    values = {name: getattr(new, name) for name in ("site", "record", "version", "device", "withdrawn")}
    for name, limit in (("form", 80), ("form_version", 40), ("programme", 80), ("event_date", 20), ("reason", 300)):
        values[name] = clean_text(getattr(new, name))[:limit]
    payload, sentences = plain(dict(new.payload)), plain(dict(new.sentences))
    more = {"payload": payload, "sentences": sentences, "arrived_at_ms": new.arrived_ms}
    unit.connection.execute(plain_insert(returned_record).values(**values, **more))


def find_returned(unit: Unit, site_id: str, record_id: str, version: int) -> ReturnedRecord | None:
    """Return one that was given back, resolved or not."""
    wanted = select(returned_record).where(
        returned_record.c.site == site_id, returned_record.c.record == record_id, returned_record.c.version == version
    )
    row = unit.connection.execute(wanted).first()
    return None if row is None else _returned(row)


def open_returned(
    unit: Unit,
    *,
    sites: frozenset[str] | None = None,
    programmes: frozenset[str] | None = None,
    simulated: bool | None = None,
    limit: int = 100,
) -> tuple[ReturnedRecord, ...]:
    """Return those that wait for somebody, the newest first. `sites`, `programmes` None: all."""
    wanted = select(returned_record).where(returned_record.c.resolved_at_ms.is_(None))
    if programmes is not None:
        wanted = wanted.where(returned_record.c.programme.in_(programmes))
    if sites is not None:
        wanted = wanted.where(returned_record.c.site.in_(sites))
    if simulated is not None:
        wanted = wanted.where(returned_record.c.site.in_(select(site.c.id).where(site.c.simulated.is_(simulated))))
    wanted = wanted.order_by(
        returned_record.c.arrived_at_ms.desc(), returned_record.c.record, returned_record.c.version
    ).limit(limit)
    return tuple(_returned(row) for row in unit.connection.execute(wanted))


def resolve_returned(
    unit: Unit,
    site_id: str,
    record_id: str,
    up_to_version: int,
    resolution: Resolution,
    at_ms: int,
    by: str | None = None,
) -> int:
    """Close what was given back of a record, up to a version of the box; return how many."""
    values = {"resolved_at_ms": at_ms, "resolution": resolution.value, "resolved_by": by}
    mine = (
        returned_record.c.site == site_id,
        returned_record.c.record == record_id,
        returned_record.c.version <= up_to_version,
        returned_record.c.resolved_at_ms.is_(None),
    )
    return unit.connection.execute(update(returned_record).where(*mine).values(**values)).rowcount


def _returned(row: Row[Any]) -> ReturnedRecord:
    return ReturnedRecord(
        site=row.site,
        record=row.record,
        version=row.version,
        device=row.device,
        form=row.form,
        form_version=row.form_version,
        programme=row.programme,
        event_date=row.event_date,
        payload=row.payload,
        withdrawn=row.withdrawn,
        reason=row.reason,
        sentences=row.sentences,
        arrived_ms=row.arrived_at_ms,
        resolved_ms=row.resolved_at_ms,
        resolution=None if row.resolution is None else Resolution(row.resolution),
        resolved_by=row.resolved_by,
    )
