"""A version of a record as it travels between a box and the server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aldea.model.sample import Value

MOST_VERSIONS = 10_000
_RECORD = re.compile(r"[0-9a-f]{32}")
_VERSION = re.compile(r"[0-9]{1,6}")


class EnvelopeError(ValueError):
    """A row is no version of a record; `field` says which of its fields is wrong."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVersion:
    """A version of a record. `record`: 32 hex digits chosen at the box; `version` counts there, from 1.

    `event_date` is a day as ISO text, `programme` '' for none in particular, `reason` of a correction or withdrawal.
    """

    record: str
    version: int
    form: str
    form_version: str
    programme: str
    event_date: str
    payload: Mapping[str, Any]
    withdrawn: bool
    reason: str


def payload_text(payload: Mapping[str, Any]) -> str:
    """Return a payload as it travels."""
    return json.dumps(dict(payload), ensure_ascii=False, separators=(",", ":"))


def envelope_fields(one: RecordVersion) -> dict[str, Value]:
    """Return the fields of the row that carries a version."""
    return {
        "record": one.record,
        "version": one.version,
        "form": one.form,
        "form_version": one.form_version,
        "programme": one.programme,
        "event_date": one.event_date,
        "payload": payload_text(one.payload),
        "withdrawn": one.withdrawn,
        "reason": one.reason,
    }


def read_envelope(fields: Mapping[str, Any]) -> RecordVersion:
    """Return the version that a row carries; texts too long for a register are cut. Raises EnvelopeError."""
    record, version = str(fields.get("record") or ""), str(fields.get("version") or "")
    if _RECORD.fullmatch(record) is None:
        raise EnvelopeError("record", "a record needs an id of 32 hex digits")
    if _VERSION.fullmatch(version) is None or not 1 <= int(version) <= MOST_VERSIONS:
        raise EnvelopeError("version", f"a record's version is 1 to {MOST_VERSIONS}")
    return RecordVersion(
        record=record,
        version=int(version),
        form=str(fields.get("form") or "")[:80],
        form_version=str(fields.get("form_version") or "")[:40],
        programme=str(fields.get("programme") or "")[:80],
        event_date=str(fields.get("event_date") or "")[:20],
        payload=_payload(fields.get("payload")),
        withdrawn=bool(fields.get("withdrawn")),
        reason=str(fields.get("reason") or "")[:300],
    )


def _payload(text: object) -> Mapping[str, Any]:
    try:
        found = json.loads(str(text or ""))
    except (ValueError, RecursionError):
        raise EnvelopeError("payload", "a record's payload is JSON") from None
    if not isinstance(found, dict):
        raise EnvelopeError("payload", "a record's payload is an object")
    return found
