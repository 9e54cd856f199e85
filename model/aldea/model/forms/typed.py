"""What was typed, as it lies between a page and the check: text by field, rows as lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aldea.model.forms.definition import Definition, Kind

Typed = Mapping[str, Any]

_PLACE = re.compile(r"([a-z][a-z0-9_]*)\.([0-9]{1,4})\.([a-z][a-z0-9_]*)")


def from_flat(definition: Definition, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return what a page's inputs hold: `course` as text, `participants.0.code` as row 0 of `participants`.

    Names that the form does not have are left out (a page's own tokens and buttons). Rows keep their order; those
    with nothing in them stay, so that a page shows them where they were.
    """
    typed: dict[str, Any] = {}
    rows: dict[str, dict[int, dict[str, str]]] = {}
    for name, value in pairs:
        found = _PLACE.fullmatch(name)
        if found is None:
            field = definition.field(name)
            if field is not None and field.kind is not Kind.ROWS:
                typed[name] = value
            continue
        group = definition.field(found[1])
        if group is not None and group.field(found[3]) is not None:
            rows.setdefault(group.name, {}).setdefault(int(found[2]), {})[found[3]] = value
    for group_name, by_place in rows.items():
        typed[group_name] = [by_place[place] for place in sorted(by_place)]
    return typed


def typed_from_payload(definition: Definition, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored payload as a page shows it for a correction; `event_date` is to be added by the caller."""
    typed: dict[str, Any] = {}
    for field in definition.fields:
        value = payload.get(field.name)
        if field.kind is Kind.ROWS:
            rows = value if isinstance(value, list) else []
            typed[field.name] = [
                {column.name: text_of(row.get(column.name)) for column in field.fields}
                for row in rows
                if isinstance(row, Mapping)
            ]
        elif value is not None:
            typed[field.name] = text_of(value)
    return typed


def text_of(value: object) -> str:
    """Return a payload's value as somebody would have typed it: yes and no for flags, '' for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def is_blank(value: object) -> bool:
    """Say whether nothing was typed."""
    return value is None or (isinstance(value, str) and not value.strip())
