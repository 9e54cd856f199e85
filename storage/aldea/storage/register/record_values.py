"""A record's values, and how they lie in the table."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aldea.storage.register import record_words as words
from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.errors import RegisterError

SOURCES = frozenset({"web", "csv", "agent", "simulator"})
REASON_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Origin:
    """The row of an agent's outbox that brought a record."""

    device: str
    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record to be stored.

    `id`: of the record it corrects, or one chosen by the sender; None: a new one. `supersedes`: the version
    that the person had before her eyes when she corrected. `token`: made by the sender, so that the same thing
    sent twice is stored once. `programme` '': for the site as such. `form` and `form_version` name the
    definition that `payload` was checked against.
    """

    site: str
    form: str
    form_version: str
    event_date: date
    payload: Mapping[str, Any]
    created_ms: int
    programme: str = ""
    source: str = "web"
    author: str | None = None
    id: str | None = None
    supersedes: int | None = None
    reason: str | None = None
    withdrawn: bool = False
    token: str | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One version of a record; `newest` says that it is the one that counts."""

    id: str
    version: int
    site: str
    programme: str
    form: str
    form_version: str
    event_date: date
    payload: Mapping[str, Any]
    withdrawn: bool
    created_ms: int
    author: str | None = None
    source: str = "web"
    reason: str | None = None
    supersedes: int | None = None
    newest: bool = True
    token: str | None = None


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """Which records to list; what is left out does not restrict. Days are event days, both included."""

    form: str | None = None
    sites: Collection[str] | None = None
    first_day: date | None = None
    last_day: date | None = None
    programmes: Collection[str] | None = None
    withdrawn: bool | None = None
    simulated: bool | None = None


EVERY_RECORD = RecordFilter()


def values_of(new: NewRecord) -> dict[str, Any]:
    """Return the columns of a record to be stored, but for its version.

    Raises RegisterError for a source that is not known, or a token that is too long.
    """
    if new.source not in SOURCES:
        raise RegisterError(words.no_source(new.source, sorted(SOURCES)))
    if new.token is not None and not 1 <= len(new.token) <= 64:
        raise RegisterError(words.bad_token())
    origin = new.origin
    return {
        "id": new.id or _new_id(new),
        "site": new.site,
        "form": new.form,
        "form_version": new.form_version,
        "event_date": new.event_date,
        "payload": plain(dict(new.payload)),
        "withdrawn": new.withdrawn,
        "source_device": None if origin is None else origin.device,
        "source_epoch": None if origin is None else origin.epoch,
        "source_seq": None if origin is None else origin.seq,
        "created_at_ms": new.created_ms,
        "programme": new.programme,
        "source": new.source,
        "author": new.author,
        "reason": None if new.reason is None else clean_text(new.reason.strip())[:REASON_LIMIT],
        "token": new.token,
        "newest": True,
    }


def _new_id(new: NewRecord) -> str:
    """Return an id: the same for the same token or origin at a site, else one that was never given."""
    if new.token is not None:
        return hashlib.sha256(f"token\n{new.site}\n{new.token}".encode()).hexdigest()[:24]
    if new.origin is not None:
        place = f"{new.origin.device}\n{new.origin.epoch}\n{new.origin.seq}"
        return hashlib.sha256(f"origin\n{new.site}\n{place}".encode()).hexdigest()[:24]
    return uuid.uuid4().hex[:24]


def record_of(values: Mapping[str, Any]) -> Record:
    """Return the record whose columns are `values`."""
    names = ("id", "version", "site", "programme", "form", "form_version", "event_date", "payload", "withdrawn")
    more = ("author", "source", "reason", "supersedes", "newest", "token")
    return Record(created_ms=values["created_at_ms"], **{name: values[name] for name in (*names, *more)})
