"""A version of a record as the book keeps it: what was entered, and how far it has come."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aldea.model.forms.envelope import RecordVersion


class State(StrEnum):
    """How far a version has come: stored here, in the outbox, at the server, given back, and then left at that."""

    KEPT = "kept"
    IN_OUTBOX = "in_outbox"
    DELIVERED = "delivered"
    RETURNED = "returned"
    LAID_ASIDE = "laid_aside"


class RecordRefused(Exception):
    """A record cannot be stored; `why` says it: `too_long`, `changed`, `no_reason` or `gone`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class NewEntry:
    """What is to be stored. `record` and `based_on`: the record it corrects, and the version the person saw.

    `token`: of the form that was sent, so that sending it twice stores it once. `made_ms`: when, if that is known.
    """

    form: str
    form_version: str
    event_date: str
    payload: Mapping[str, Any]
    programme: str = ""
    token: str | None = None
    record: str | None = None
    based_on: int | None = None
    reason: str = ""
    made_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(RecordVersion):
    """One version of a record. `epoch` and `seq`: its row in the outbox; `sentences`: by language, why it came back."""

    id: int
    made_ms: int | None
    state: State
    epoch: str | None = None
    seq: int | None = None
    sentences: Mapping[str, Sequence[str]] = field(default_factory=dict)


def entry_of(row: sqlite3.Row) -> Entry:
    """Return the version that a row of the book holds."""
    return Entry(
        id=row["id"],
        record=row["record"],
        version=row["version"],
        form=row["form"],
        form_version=row["form_version"],
        programme=row["programme"],
        event_date=row["event_date"],
        payload=json.loads(row["payload"]),
        withdrawn=bool(row["withdrawn"]),
        reason=row["reason"],
        made_ms=row["made_ms"],
        state=State(row["state"]),
        epoch=row["epoch"],
        seq=row["seq"],
        sentences=json.loads(row["sentences"]),
    )
