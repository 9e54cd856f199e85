"""The sentences of the facilitator's pages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aldea.agents.page.times import day_said
from aldea.agents.page.words import Words, say
from aldea.agents.records import Person, State
from aldea.model.forms import Definition, Kind
from aldea.model.forms.definition import Field, in_language
from aldea.model.forms.values import folded

REFUSALS: Mapping[str, Words] = MappingProxyType(
    {
        "too_long": say("The list is too long to travel as one record: split it in two, and store each half."),
        "changed": say(
            "Somebody has changed this record meanwhile. Look at it as it is now; if what stands here is right, "
            "store it again."
        ),
        "form_changed": say(
            "The server has changed this form while you filled it in. Look through it; if it is right, store it again."
        ),
        "no_reason": say("Say in a few words why it is corrected or withdrawn."),
        "sent_before": say(
            "This form was stored before. What is changed here is a correction of it: say why, and store it."
        ),
        "ticks_gone": say(
            "Ticks on other pages of the list are gone: this form was thrown away on another telephone. Look through"
            " the whole list, then store it."
        ),
        "gone": say("This record is not here any more: enter a new one."),
        "disk": say("The box could not store it: see its disk. What you typed is still here."),
        "name_in_text": say("A text holds the name of somebody on the roster. Write the code, or leave the name out."),
        "no_name": say("The name is missing; fill it in."),
        "long_name": say("The name is too long: 80 letters at most."),
        "choose": say("Choose one."),
        "code_letters": say("A code is 1 to 20 plain letters, digits or hyphens, such as K-017."),
        "code_taken": say("Somebody else has this code: choose another, or leave it empty."),
        "full": say("The roster is full: take out who has left."),
        "short": say("The passphrase is too short: use 10 letters or more."),
        "unequal": say("The two passphrases differ: type the same one twice."),
        "foreign": say("This file is no backup of a roster."),
        "closed": say("The passphrase does not open this file, or the file was damaged."),
        "no_file": say("Choose the file of the backup."),
        "late": say("That took too long: choose the file again."),
    }
)

STATES: Mapping[State, tuple[str, Words]] = MappingProxyType(
    {
        State.KEPT: ("wait", say("Stored here, goes out next")),
        State.IN_OUTBOX: ("wait", say("On its way to the server")),
        State.DELIVERED: ("good", say("The server has it")),
        State.RETURNED: ("bad", say("The server gave it back")),
        State.LAID_ASIDE: ("wait", say("Given back, and left at that")),
    }
)

SEX_WORDS: Mapping[str, Words] = MappingProxyType({"F": say("Woman"), "M": say("Man"), "O": say("Other")})


def initial(name: str) -> str:
    """Return the letter under which somebody is looked for, without accent."""
    return folded(name)[:1].upper()


def title_of(definition: Definition | None, form: str, language: str) -> str:
    """Return a form's title, or its id where the form is not known here."""
    return form if definition is None else in_language(definition.title, language)


def shown_payload(
    definition: Definition | None, payload: Mapping[str, Any], people: Mapping[str, Person], language: str
) -> list[tuple[str, list[str]]]:
    """Return a payload as labels and lines. Codes stand beside their names: for pages behind the PIN alone."""
    lines: list[tuple[str, list[str]]] = []
    for name, value in payload.items():
        field = None if definition is None else definition.field(name)
        label = name if field is None else in_language(field.label, language)
        if field is not None and field.kind is Kind.ROWS and isinstance(value, list):
            lines.append((label, [_row(field, row, people, language) for row in value]))
        elif value is not None:
            lines.append((label, [_value(field, value, language)]))
    return lines


def _row(group: Field, row: Mapping[str, Any], people: Mapping[str, Person], language: str) -> str:
    parts = [_value(group.field(name), value, language) for name, value in row.items() if value is not None]
    person = people.get(str(row.get("code", "")).upper())
    return " · ".join([person.name, *parts] if person is not None else parts)


def _value(field: Field | None, value: object, language: str) -> str:
    if isinstance(value, bool):
        return {"es": ("No", "Sí")}.get(language, ("No", "Yes"))[value]
    for choice in () if field is None else field.choices:
        if choice.value == value:
            return in_language(choice.label, language)
    if isinstance(value, float):
        return f"{value:g}"
    is_day = field is not None and (field.kind is Kind.DATE or field.format == "local_time")
    return day_said(str(value), language) if is_day else str(value)


def summary_of(payload: Mapping[str, Any]) -> str:
    """Return what tells a record from others of its form: what it is about, or from when to when."""
    about = payload.get("activity") or payload.get("course") or payload.get("project")
    if about:
        return str(about)
    begin, end = (str(payload.get(name) or "").partition("T")[2] for name in ("from", "to"))
    return f"{begin} → {end or '…'}" if begin else ""
