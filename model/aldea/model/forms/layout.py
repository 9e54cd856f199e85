"""What a page has to draw for a form, whoever draws it: inputs with their words, values and faults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aldea.model.forms.definition import Choice, Definition, Field, Kind, in_language
from aldea.model.forms.sentences import Fault, sentence
from aldea.model.forms.typed import Typed
from aldea.model.forms.values import YES, folded, read_day, read_month

_WIDGETS = {
    Kind.TEXT: "text",
    Kind.INTEGER: "integer",
    Kind.DECIMAL: "decimal",
    Kind.DATE: "date",
    Kind.CHOICE: "select",
    Kind.YES_NO: "select",
}
_STRICT = {
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "local_time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}"),
    "month": re.compile(r"[0-9]{4}-[0-9]{2}"),
}
"""Inputs that would show nothing for a value they don't know; such a value stays in an ordinary one."""

_YES_NO = (Choice("yes", {"es": "Sí", "en": "Yes"}), Choice("no", {"es": "No", "en": "No"}))


@dataclass(frozen=True, slots=True)
class Cell:
    """One input. `widget`: text, integer, decimal, date, local_time, month, select or checkbox.

    `name` is also the path of its fault; `error` '' where nothing is wrong. `choices` are (value, words).
    """

    name: str
    widget: str
    label: str
    hint: str
    value: str
    error: str
    required: bool
    choices: tuple[tuple[str, str], ...] = ()
    max_length: int = 200
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rows: its columns (without values) and a tuple of cells for each row."""

    name: str
    label: str
    hint: str
    error: str
    required: bool
    columns: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]


def laid_out(
    definition: Definition, typed: Typed, faults: Sequence[Fault], language: str, *, more_rows: int | None = None
) -> tuple[Cell | Group, ...]:
    """Return the form's inputs in order, holding what was typed and what is wrong with it.

    Each group has at least its definition's number of rows; `more_rows` says how many empty ones stand behind
    those that were typed.
    """
    errors = {fault.path: sentence(fault, language) for fault in reversed(faults)}
    found: list[Cell | Group] = []
    for field in definition.fields:
        if field.kind is Kind.ROWS:
            found.append(_group(field, typed.get(field.name), errors, language, more_rows))
        else:
            found.append(_cell(field, field.name, typed.get(field.name), errors, language))
    return tuple(found)


def _group(field: Field, given: object, errors: Mapping[str, str], language: str, more_rows: int | None) -> Group:
    rows: list[Mapping[str, Any]] = list(given) if isinstance(given, list | tuple) else []
    wanted = max(field.blank_rows, len(rows) + (more_rows or 0))
    rows += [{}] * (min(wanted, field.max_rows) - len(rows))
    return Group(
        name=field.name,
        label=in_language(field.label, language),
        hint=in_language(field.help, language),
        error=errors.get(field.name, ""),
        required=field.required,
        columns=tuple(_cell(column, f"{field.name}.{column.name}", "", {}, language) for column in field.fields),
        rows=tuple(
            tuple(
                _cell(column, f"{field.name}.{place}.{column.name}", row.get(column.name), errors, language)
                for column in field.fields
            )
            for place, row in enumerate(rows)
        ),
    )


def _cell(field: Field, name: str, given: object, errors: Mapping[str, str], language: str) -> Cell:
    offered = _YES_NO if field.kind is Kind.YES_NO else field.choices
    value = _shown(field, "" if given is None else str(given))
    choices = tuple((choice.value, in_language(choice.label, language)) for choice in offered)
    widget = _widget(field)
    if value and widget == "select" and value not in {known for known, _ in choices}:
        choices = (*choices, (value, value))
    if value and widget in _STRICT and not _STRICT[widget].fullmatch(value):
        widget = "text"
    return Cell(
        name=name,
        widget=widget,
        label=in_language(field.label, language),
        hint=in_language(field.help, language),
        value=value,
        error=errors.get(name, ""),
        required=field.required,
        choices=choices,
        max_length=field.max_length,
        minimum=field.minimum,
        maximum=field.maximum,
    )


def _widget(field: Field) -> str:
    if field.kind is Kind.YES_NO and field.blank is False:
        return "checkbox"
    if field.format in {"local_time", "month"}:
        return field.format
    return _WIDGETS[field.kind]


def _shown(field: Field, text: str) -> str:
    """Return what was typed in the form that its input takes; what an input could not show stays as it is."""
    if field.kind is Kind.DATE:
        day = read_day(text.strip())
        return text if day is None else day.isoformat()
    if field.format == "month":
        month = read_month(text.strip())
        return text if month is None else f"{month:%Y-%m}"
    if field.kind is Kind.YES_NO and text:
        return "yes" if folded(text) in YES else "no"
    if field.kind is Kind.CHOICE:
        return _value_of(field, text)
    return text


def _value_of(field: Field, text: str) -> str:
    wanted = folded(text)
    for choice in field.choices:
        if wanted in {folded(choice.value), *map(folded, choice.label.values())}:
            return choice.value
    return text
