"""The words that the pages of records have in common."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from babel.dates import format_skeleton

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.web.shown import NONE
from aldea.dashboard_api.web.words import Language
from aldea.model.forms import Definition, Kind
from aldea.model.forms.definition import in_language
from aldea.storage.register.programmes import Programme

REPORT_WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "received": (N_("Received"), "up"),
        "zero": (N_("Nothing happened"), "planned"),
        "missing": (N_("Missing"), "suspect"),
        "late": (N_("Late"), "down"),
    }
)
"""The state of a report → its word, and the state whose icon and colour it borrows."""

SOURCE_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "web": N_("entered on a page"),
        "csv": N_("imported from a file"),
        "agent": N_("entered at the site"),
        "simulator": N_("simulated"),
    }
)

PERIOD_WORDS: Mapping[str, str] = MappingProxyType(
    {"": N_("Not owed"), "month": N_("Every month"), "quarter": N_("Every quarter")}
)


NEVER_OWED = frozenset({"nothing", "nothing_today"})
"""Forms that say that there was nothing to report in others."""


def form_texts(definition: Definition, language: str) -> dict[str, str]:
    """Return a form's texts in a language."""
    return {
        "id": definition.id,
        "title": in_language(definition.title, language),
        "help": in_language(definition.help, language),
        "privacy": in_language(definition.privacy, language),
    }


def month_name(day: date, language: Language) -> str:
    """Return a month and its year."""
    return str(format_skeleton("yMMMM", day, locale=language.formats))


def programme_name(programme: Programme, language: str) -> str:
    """Return a programme's name in a language."""
    return programme.name_en if language == "en" and programme.name_en else programme.name


def payload_shown(definition: Definition | None, payload: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """Return a payload as labels and values; rows as a table. What the form does not know stands by its own name."""
    shown: list[dict[str, Any]] = []
    for name, value in payload.items():
        field = None if definition is None else definition.field(name)
        label = name if field is None else in_language(field.label, language)
        if field is not None and field.kind is Kind.ROWS and isinstance(value, list):
            heads = [in_language(column.label, language) for column in field.fields]
            rows = [[_value(column, row.get(column.name), language) for column in field.fields] for row in value]
            shown.append({"label": label, "heads": heads, "rows": rows})
        else:
            shown.append({"label": label, "text": _value(field, value, language)})
    return shown


def _value(field: Any, value: object, language: str) -> str:
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return {"es": ("No", "Sí"), "en": ("No", "Yes")}[language][value]
    if field is not None:
        for choice in field.choices:
            if choice.value == value:
                return in_language(choice.label, language)
        if field.format == "month" and len(str(value)) == 6:
            return f"{str(value)[:4]}-{str(value)[4:]}"
    if isinstance(value, float):
        return f"{value:g}"
    return str(value).replace("T", " ") if field is not None and field.format == "local_time" else str(value)
