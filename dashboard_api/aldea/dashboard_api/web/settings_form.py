"""The form of a document of settings: an input for each setting, by tables; what is empty is not said at all."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.web.setting_words import HELP
from aldea.dashboard_api.web.settings_words import TABLES
from aldea.dashboard_api.web.shown import Shown
from aldea.model.describing import Setting, Shape
from aldea.model.overlays import leaves
from aldea.model.toml_text import as_toml

PREFIX = "s."
MOST_CHARACTERS = 12_000
TAKEN_OUT = "null"
"""What is typed where a profile's setting shall not hold, so that the machine's own does."""

NOT_A_NUMBER = N_("This is not a number.")
NOT_WHOLE = N_("This is not a whole number.")
NOT_TOML = N_("This is not a list of tables in TOML: %(why)s")


@dataclass(frozen=True, slots=True)
class Input:
    """One setting as it is shown. `kind` is `text`, `select` or `area`; `below` what holds where it is left empty."""

    name: str
    label: str
    value: str
    hint: str
    error: str
    kind: str
    options: Sequence[tuple[str, str]] = ()
    rows: int = 3


@dataclass(frozen=True, slots=True)
class Section:
    """The settings of one table; it is open where something is set or wrong."""

    title: str
    table: str
    inputs: Sequence[Input]
    is_open: bool

    @property
    def count(self) -> int:
        """How many are set."""
        return sum(bool(one.value) for one in self.inputs)


@dataclass(slots=True)
class Typed:
    """What was typed into the form, by setting, and what is wrong with it ('' for the document as a whole)."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def typed_from(settings: Sequence[Setting], document: Mapping[str, Any]) -> Typed:
    """Return the form of a document."""
    known = {item.key: item for item in settings}
    pairs = ((key, value) for key, value in leaves(document) if key in known)
    return Typed({key: TAKEN_OUT if value is None else _written(known[key], value) for key, value in pairs})


def taken_out(document: Mapping[str, Any]) -> list[str]:
    """Return the settings that a document takes out of what lies below it."""
    return sorted(key for key, value in leaves(document) if value is None)


def read_typed(
    settings: Sequence[Setting], sent: Sequence[tuple[str, str]], shown: Shown, *, takes_out: bool = False
) -> tuple[Typed, dict[str, Any]]:
    """Return what was typed with what is wrong with it, and the document of what could be read.

    `takes_out`: what lies below the document can be taken out by the word `null`.
    """
    texts = {key.removeprefix(PREFIX): text.strip() for key, text in sent if key.startswith(PREFIX)}
    typed = Typed({key: text[:MOST_CHARACTERS] for key, text in texts.items() if text})
    document: dict[str, Any] = {}
    for item in settings:
        text = typed.values.get(item.key)
        if text is None:
            continue
        try:
            _put(document, item.key, None if takes_out and text == TAKEN_OUT else _read(item, text, shown))
        except ValueError as error:
            typed.errors[item.key] = str(error)
    return typed, document


def put_none(document: dict[str, Any], keys: Sequence[str]) -> None:
    """Let a document take settings out of what lies below it, where it says nothing else of them."""
    said = {key for key, _ in leaves(document)}
    for key in keys:
        if key not in said:
            _put(document, key, None)


def sections(
    settings: Sequence[Setting], typed: Typed, shown: Shown, below: Mapping[str, Any] | None = None
) -> list[Section]:
    """Return the form by tables. `below` is the document under it, whose values hold where nothing is typed."""
    under = dict(leaves(below or {}))
    tables: dict[str, list[Setting]] = {}
    for item in settings:
        tables.setdefault(item.table, []).append(item)
    made = []
    for table in sorted(tables, key=lambda name: (name != "", list(tables).index(name))):
        inputs = [_input(item, typed, shown, under) for item in tables[table]]
        is_open = any(one.value or one.error for one in inputs)
        title = shown.say(TABLES[table]) if table in TABLES else table
        made.append(Section(title, f"[agent.{table}]" if table else "[agent]", inputs, is_open))
    return made


def _input(item: Setting, typed: Typed, shown: Shown, under: Mapping[str, Any]) -> Input:
    value, error = typed.values.get(item.key, ""), typed.errors.get(item.key, "")
    label, name = item.name, f"{PREFIX}{item.key}"
    hint = _hint(item, shown, under)
    if item.shape is Shape.FLAG or item.choices:
        words = {"true": shown.say(N_("yes")), "false": shown.say(N_("no"))}
        options = [("", "\N{EN DASH}"), *((word, words.get(word, word)) for word in item.choices or ("true", "false"))]
        if item.key in under or value == TAKEN_OUT:
            options.append((TAKEN_OUT, shown.say(N_("not as the profile says: the machine's own"))))
        return Input(name, label, value, hint, error, "select", options)
    if item.shape in {Shape.LIST, Shape.TABLES}:
        return Input(name, label, value, hint, error, "area", rows=8 if item.shape is Shape.TABLES else 3)
    return Input(name, label, value, hint, error, "text")


def _hint(item: Setting, shown: Shown, under: Mapping[str, Any]) -> str:
    parts = [shown.say(HELP[item.key]) if item.key in HELP else item.help]
    if item.shape is Shape.LIST:
        parts.append(shown.say(N_("one a line")))
    if item.shape is Shape.TABLES:
        parts.append(shown.say(N_("in TOML, each begins with %(heading)s")) % {"heading": f"[[{item.name}]]"})
    if item.minimum is not None and item.maximum is not None:
        parts.append(f"{item.minimum:.10g} … {item.maximum:.10g}")
    elif item.minimum is not None and item.minimum > 0:
        parts.append(f"≥ {item.minimum:.10g}")
    if item.key in under:
        parts.append(shown.say(N_("profile: %(value)s")) % {"value": _short(item, under[item.key], shown)})
        parts.append(shown.say(N_("null: the machine's own instead")))
    elif item.default is not None and item.default != []:
        parts.append(shown.say(N_("default: %(value)s")) % {"value": _short(item, item.default, shown)})
    return " · ".join(part for part in parts if part)


def _short(item: Setting, value: Any, shown: Shown) -> str:
    if isinstance(value, bool):
        return shown.say("yes") if value else shown.say("no")
    text = ", ".join(_written(item, value).split("\n"))
    return text if len(text) <= 60 else f"{text[:59]}…"


def _written(item: Setting, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if item.shape is Shape.TABLES and isinstance(value, list):
        return as_toml({item.name: value}).strip() if value else ""
    if isinstance(value, list):
        return "\n".join(str(one) for one in value)
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _read(item: Setting, text: str, shown: Shown) -> Any:
    if item.shape is Shape.FLAG:
        return {"true": True, "false": False}.get(text, text)
    if item.shape is Shape.LIST:
        return [line.strip() for line in text.splitlines() if line.strip()]
    if item.shape is Shape.TABLES:
        return _tables(item, text, shown)
    if item.shape in {Shape.WHOLE, Shape.NUMBER}:
        return _number(item, text, shown)
    return text


def _number(item: Setting, text: str, shown: Shown) -> float:
    # Both ways to write a decimal; nobody here groups digits with commas.
    plain = text.replace(" ", "").replace(",", ".")
    try:
        number = float(plain)
    except ValueError:
        raise ValueError(shown.say(NOT_A_NUMBER)) from None
    if item.shape is Shape.WHOLE and not number.is_integer():
        raise ValueError(shown.say(NOT_WHOLE))
    return int(number) if number.is_integer() and "." not in plain else number


def _tables(item: Setting, text: str, shown: Shown) -> list[Any]:
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(shown.say(NOT_TOML) % {"why": str(error)}) from None
    tables = found.pop(item.name, None)
    if found or not isinstance(tables, list):
        why = shown.say(N_("each begins with %(heading)s")) % {"heading": f"[[{item.name}]]"}
        raise ValueError(shown.say(NOT_TOML) % {"why": why})
    return tables


def _put(document: dict[str, Any], key: str, value: Any) -> None:
    table = document
    *path, name = key.split(".")
    for part in path:
        table = table.setdefault(part, {})
    table[name] = value
