"""Reading definitions from JSON, with every mistake named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from aldea.model.forms.definition import LANGUAGES, OMITTED, Choice, Definition, Field, Kind, Rule

FORMATS = frozenset({"", "code", "local_time", "month"})
RULES = frozenset({"order", "at_most", "some"})
NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")

_FORM_KEYS = frozenset({"id", "version", "title", "help", "privacy", "event_from", "fields", "rules", "after_end"})
_FIELD_KEYS = frozenset(
    {
        "name",
        "kind",
        "label",
        "help",
        "required",
        "min",
        "max",
        "max_length",
        "choices",
        "format",
        "blank",
        "default_from",
        "fields",
        "unique",
        "blank_rows",
        "max_rows",
        "omit_empty",
    }
)


class FormError(ValueError):
    """A definition cannot be used; the message names the form, the place and the fix."""


@cache
def load_forms() -> Mapping[str, Definition]:
    """Return the forms that ship with Aldea, by id, in the order in which people are offered them."""
    folder = files("aldea.model.forms") / "data"
    order = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    found = (read_definition(json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))) for name in order)
    return MappingProxyType({form.id: form for form in found})


def read_definition(document: Mapping[str, Any]) -> Definition:
    """Return the definition that a JSON document holds.

    Raises FormError whose message is all that is wrong with it, a sentence each.
    """
    faults = list(_form_faults(document))
    if faults:
        raise FormError(f"form {str(document.get('id'))[:40]!r}: " + "; ".join(faults))
    return Definition(
        id=document["id"],
        version=str(document["version"]),
        title=document["title"],
        help=document.get("help", {}),
        privacy=document.get("privacy", {}),
        event_from=document.get("event_from", "event_date"),
        fields=tuple(_field(item) for item in document["fields"]),
        rules=tuple(
            Rule(item["kind"], tuple(item["fields"]), item.get("rows", "")) for item in document.get("rules", ())
        ),
        document=document,
        after_end=document.get("after_end") is True,
    )


def _field(item: Mapping[str, Any]) -> Field:
    return Field(
        name=item["name"],
        kind=Kind(item["kind"]),
        label=item["label"],
        help=item.get("help", {}),
        required=item.get("required", False),
        minimum=item.get("min"),
        maximum=item.get("max"),
        max_length=item.get("max_length", 200),
        choices=tuple(Choice(found["value"], found["label"]) for found in item.get("choices", ())),
        format=item.get("format", ""),
        blank=item.get("blank", OMITTED),
        default_from=item.get("default_from", ""),
        fields=tuple(_field(column) for column in item.get("fields", ())),
        unique=item.get("unique", ""),
        blank_rows=item.get("blank_rows", 5),
        max_rows=item.get("max_rows", 300),
        omit_empty=item.get("omit_empty", False),
    )


def _form_faults(document: Mapping[str, Any]) -> Iterator[str]:
    if unknown := sorted(set(document) - _FORM_KEYS):
        yield f"{unknown[0]!r} is not a key of a form: use {', '.join(sorted(_FORM_KEYS))}"
    if not NAME.fullmatch(str(document.get("id"))):
        yield "id must be a-z, 0-9 and _, starting with a letter"
    if not re.fullmatch(r"[0-9]{1,6}", str(document.get("version"))):
        yield "version must be a whole number, one more with each change"
    yield from _text_faults("title", document.get("title"))
    fields = document.get("fields")
    if isinstance(fields, list) and fields:
        yield from _fields_faults(fields, str(document.get("event_from", "event_date")))
    else:
        yield "fields must be a list with at least one field"
    for rule in document.get("rules", ()):
        if rule.get("kind") not in RULES:
            yield f"a rule's kind is {str(rule.get('kind'))[:20]!r}: use {', '.join(sorted(RULES))}"


def _fields_faults(fields: list[Any], event_from: str) -> Iterator[str]:
    for item in fields:
        yield from _field_faults(item, frozenset(Kind))
    names = [str(item.get("name")) for item in fields if isinstance(item, Mapping)]
    if event_from not in names:
        yield "event_from must name the field that says when it happened (or call that field event_date)"
    if len(set(names)) != len(names):
        yield "two fields have the same name: give each its own"


def _field_faults(item: object, kinds: frozenset[Kind]) -> Iterator[str]:
    if not isinstance(item, Mapping) or not NAME.fullmatch(str(item.get("name"))):
        yield "a field needs a name of a-z, 0-9 and _, starting with a letter"
        return
    name, kind = item["name"], item.get("kind")
    if unknown := sorted(set(item) - _FIELD_KEYS):
        yield f"{name}: {unknown[0]!r} is not a key of a field: use {', '.join(sorted(_FIELD_KEYS))}"
    yield from _text_faults(f"{name}.label", item.get("label"))
    if kind not in kinds:
        yield f"{name}: kind is {str(kind)[:20]!r}, use {', '.join(sorted(kinds))}"
    if item.get("format", "") not in FORMATS:
        yield f"{name}: format is {str(item['format'])[:20]!r}, use {', '.join(sorted(FORMATS - {''}))}"
    yield from _part_faults(name, str(kind), item)


def _part_faults(name: str, kind: str, item: Mapping[str, Any]) -> Iterator[str]:
    if kind == Kind.CHOICE and not item.get("choices"):
        yield f"{name}: a choice needs choices"
    for found in item.get("choices", ()):
        yield from _text_faults(f"{name}.{found.get('value')}", found.get("label"))
    if kind == Kind.ROWS and not item.get("fields"):
        yield f"{name}: rows need fields, their columns"
    for column in item.get("fields", ()):
        yield from _field_faults(column, frozenset(Kind) - {Kind.ROWS})


def _text_faults(place: str, texts: object) -> Iterator[str]:
    if not isinstance(texts, Mapping) or any(not str(texts.get(code, "")).strip() for code in LANGUAGES):
        yield f"{place} needs a text in each of {', '.join(LANGUAGES)}"
