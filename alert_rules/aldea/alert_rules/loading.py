"""Rules files: YAML in, rules out, or every mistake at once, each a sentence that says how to mend it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import yaml

from aldea.alert_rules.kinds import KINDS
from aldea.alert_rules.reading import DuplicateKeyError, parse_yaml
from aldea.alert_rules.rule import Kind, Rule
from aldea.alert_rules.ruleset import EngineSettings, RuleSet
from aldea.model.settings import SettingsError, load_settings

VERSION = 1
FILE_KEYS = ("version", "engine", "rules")
RULE_KEYS = ("name", "kind", "enabled", "notify", "where")
WHERE_FACTS = (
    "municipality",
    "organisation",
    "power_region",
    "programme",
    "provider",
    "site_kind",
    "state_name",
    "technology",
    "upstream",
)
OTHER_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "for": "hold_seconds",
        "keep": "clear_hold_seconds",
        "keep_firing_for": "clear_hold_seconds",
        "hold": "hold_seconds",
        "clear_hold": "clear_hold_seconds",
        "hold_minutes": "hold_seconds",
        "clear_hold_minutes": "clear_hold_seconds",
        "window": "window_seconds",
        "window_minutes": "window_seconds",
        "threshold": "loss_ratio",
        "loss_percent": "loss_ratio",
        "type": "kind",
        "id": "name",
        "alert": "name",
    }
)
"""What people bring from other systems, and our word for it."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|sec|m|min|h|d|w)")
_UNIT_SECONDS = MappingProxyType(
    {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
)


class RulesError(ValueError):
    """Rules files that cannot be used. `errors` holds every mistake, each a sentence for the person."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = tuple(errors)


def load_rules(files: Sequence[tuple[str, str]]) -> RuleSet:
    """Return the rules of some files, given as (name, text): a later file's rule replaces one of the same name.

    Raises RulesError with every mistake of every file.
    """
    errors: list[str] = []
    rules: dict[str, Rule] = {}
    engine: dict[str, Any] = {}
    for name, text in files:
        reader = _File(name, errors)
        document = reader.document(text)
        engine |= reader.engine(document.get("engine"))
        rules |= reader.rules(document.get("rules"))
    if errors:
        raise RulesError(errors)
    return RuleSet(tuple(rules.values()), load_settings(EngineSettings, engine, {}, "engine"))


class _File:
    """One file being read; mistakes go into a list that all files share."""

    def __init__(self, name: str, errors: list[str]) -> None:
        self._name = name
        self._errors = errors

    def _note(self, place: str, sentence: str) -> None:
        self._errors.append(f"{self._name}: {place}{': ' if place else ''}{sentence}")

    def document(self, text: str) -> Mapping[str, Any]:
        """Return the file's table, empty when it is none."""
        try:
            found = parse_yaml(text)
        except DuplicateKeyError as error:
            self._note(f"line {error.line}", f"the key {error.key!r} is there twice; keep one of them")
            return {}
        except yaml.YAMLError as error:
            self._note(_place_of(error), "this is not YAML; check indentation, colons and quotes")
            return {}
        if not isinstance(found, Mapping):
            self._note("", "has no rules; start it with `version: 1` and a list `rules:`")
            return {}
        self._unknown("", found, FILE_KEYS)
        if found.get("version") != VERSION:
            self._note("version", f"is {found.get('version')!r}; write `version: {VERSION}`")
        if not found.get("rules") and not found.get("engine"):
            self._note("rules", "is empty; add a rule, or take the file away")
        return found

    def engine(self, table: object) -> dict[str, Any]:
        """Return the keys of the table `engine`, checked."""
        if table is None:
            return {}
        if not isinstance(table, Mapping):
            self._note("engine", f"is {table!r}; expects keys with values")
            return {}
        known = [item.name for item in fields(EngineSettings)]
        self._unknown("engine", table, known)
        mine = {str(key): value for key, value in table.items() if key in known}
        self._settings(EngineSettings, mine, "engine")
        return mine

    def rules(self, listed: object) -> dict[str, Rule]:
        """Return the rules by name."""
        if listed is None:
            return {}
        if not isinstance(listed, list):
            self._note("rules", "is not a list; begin each rule with `- name: …`")
            return {}
        found: dict[str, Rule] = {}
        for number, table in enumerate(listed, 1):
            if not isinstance(table, Mapping):
                self._note(f"rule {number}", f"is {table!r}; expects keys such as name and kind")
                continue
            name = self._rule_name(number, table)
            place = f"rule {name!r}" if name else f"rule {number}"
            if name in found:
                self._note(place, "name: is there twice in this file; give one of them another name")
            rule = self._rule(place, name, table)
            if rule is not None:
                found[rule.name] = rule
        return found

    def _rule_name(self, number: int, table: Mapping[str, Any]) -> str:
        name = table.get("name")
        if name is None:
            self._note(f"rule {number}", "name: is missing; give it one of a-z, 0-9, _ and -, such as site_silent")
            return ""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._note(f"rule {number}", f"name: is {name!r}; expects 1 to 64 of a-z, 0-9, _ and -")
            return ""
        return name

    def _rule(self, place: str, name: str, table: Mapping[str, Any]) -> Rule | None:
        before = len(self._errors)
        kind = self._kind(place, table)
        flags = {key: self._flag(place, table, key) for key in ("enabled", "notify")}
        where = self._where(place, table.get("where"))
        if kind is None or not name or len(self._errors) > before:
            return None
        return Rule(name, str(table["kind"]), kind, flags["enabled"], flags["notify"], where)

    def _kind(self, place: str, table: Mapping[str, Any]) -> Kind | None:
        word = table.get("kind")
        if not isinstance(word, str) or word not in KINDS:
            told = "is missing" if word is None else f"is {word!r}"
            self._note(place, f"kind: {told}; expects one of {', '.join(KINDS)}")
            return None
        cls: Any = KINDS[word]
        known = [item.name for item in fields(cls)]
        self._unknown(place, table, (*RULE_KEYS, *known))
        made = self._settings(cls, {key: value for key, value in table.items() if key in known}, place)
        if made is None:
            return None
        kind: Kind = made
        for problem in kind.problems():
            self._note(place, problem)
        return kind

    def _settings(self, cls: type[Any], table: Mapping[str, Any], place: str) -> Any:
        try:
            return load_settings(cls, table, {}, "")
        except SettingsError as error:
            for told in error.errors:
                key, _, rest = told.partition(" ")
                self._note(place, f"{key}: {rest}{_unit_hint(key, table.get(key))}")
            return None

    def _flag(self, place: str, table: Mapping[str, Any], key: str) -> bool:
        value = table.get(key, True)
        if not isinstance(value, bool):
            self._note(place, f"{key}: is {value!r}; expects true or false")
            return True
        return value

    def _where(self, place: str, table: object) -> Mapping[str, tuple[str, ...]]:
        if table is None:
            return {}
        if not isinstance(table, Mapping):
            self._note(place, f"where: is {table!r}; expects a fact and its value, such as `provider: Hughes`")
            return {}
        self._unknown(f"{place}: where", table, WHERE_FACTS)
        found: dict[str, tuple[str, ...]] = {}
        for fact, value in table.items():
            values = value if isinstance(value, list) else [value]
            if not values or not all(isinstance(one, str | int) and str(one) for one in values):
                self._note(place, f"where.{fact}: is {value!r}; expects a text, or a list of texts")
            found[str(fact)] = tuple(str(one) for one in values)
        return found

    def _unknown(self, place: str, table: Mapping[Any, Any], known: Sequence[str]) -> None:
        for key in table:
            if key in known:
                continue
            ours = OTHER_WORDS.get(str(key))
            hint = f"write {ours}" if ours in known else f"known are {', '.join(known)}"
            self._note(
                place, f"{key}: is not a key here; {hint}{_unit_hint(ours, table[key]) if ours in known else ''}"
            )


def _unit_hint(key: str | None, value: object) -> str:
    """Return how to write a value that has a unit in it, or is a percentage."""
    if key is None or isinstance(value, bool):
        return ""
    if key.endswith("_ratio") and isinstance(value, int | float) and 1 < value <= 100:
        return f" ({value:g} % is {value / 100:g})"
    if key.endswith("_ratio") and isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?\s*%", value):
        return f" ({value} is {float(value.rstrip('% ')) / 100:g})"
    if key.endswith("_seconds") and isinstance(value, str) and (found := _SPAN.fullmatch(value.strip())):
        return f" ({value} is {float(found[1]) * _UNIT_SECONDS[found[2]]:g})"
    return ""


def _place_of(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f"line {mark.line + 1}"
