"""Rows as a box sends them, and a register that takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aldea.collector.commanding.records import take_record
from aldea.collector.commanding.rows import DocumentRow
from aldea.model.forms import load_forms
from aldea.model.sample import Value
from aldea.storage.register import Register
from dashboard_api.village import NOW_MS

RECORD = "a" * 32
ATTENDANCE: Mapping[str, Any] = {"activity": "Taller", "participants": [], "unkeyed": 3}


def row_of(
    payload: Mapping[str, Any] = ATTENDANCE,
    *,
    version: int = 1,
    form: str = "attendance",
    day: str = "2026-11-20",
    seq: int | None = None,
    at_ms: int = NOW_MS,
    **fields: Value,
) -> DocumentRow:
    """Return a row of the first real site's box."""
    said: dict[str, Value] = {
        "record": RECORD,
        "version": version,
        "form": form,
        "form_version": load_forms()[form].version if form in load_forms() else "1",
        "programme": "",
        "event_date": day,
        "payload": json.dumps(dict(payload)),
        "withdrawn": False,
        "reason": "" if version == 1 else "dato",
        **fields,
    }
    row = DocumentRow("escuela-01", "agent", "e" * 16, seq or version, None, at_ms, "record", said)
    return replace(row, seq=seq or version)


SITE = "escuela-01"


def take(register: Register, *rows: Any) -> None:
    """Take rows as the collector does, each by itself."""
    for row in rows:
        with register.transaction() as unit:
            take_record(unit, row)
