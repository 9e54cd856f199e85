"""Rules files: YAML in, rules out, or every mistake at once, each a sentence that says how to mend it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from types import MappingProxyType
from typing import Any

import yaml

from aldea.alert_rules import mistakes
from aldea.alert_rules.kinds import KINDS
from aldea.alert_rules.reading import DuplicateKeyError, parse_yaml
from aldea.alert_rules.rule import Kind, Rule
from aldea.alert_rules.ruleset import EngineSettings, RuleSet
from aldea.model.said import joined
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


class RulesError(ValueError):
    """Rules files that cannot be used. `errors` holds every mistake, each a sentence for the person."""

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__(joined(errors, "\n"))
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
        self._errors.append(joined((self._name, *([place] if place else []), sentence), ": "))

    def document(self, text: str) -> Mapping[str, Any]:
        """Return the file's table, empty when it is none."""
        try:
            found = parse_yaml(text)
        except DuplicateKeyError as error:
            self._note(mistakes.in_line(error.line), mistakes.twice(error.key))
            return {}
        except yaml.YAMLError as error:
            self._note(_place_of(error), mistakes.NO_YAML)
            return {}
        if not isinstance(found, Mapping):
            self._note("", mistakes.NO_RULES)
            return {}
        self._unknown("", found, FILE_KEYS)
        if found.get("version") != VERSION:
            self._note("version", mistakes.other_version(found.get("version"), VERSION))
        if not found.get("rules") and not found.get("engine"):
            self._note("rules", mistakes.EMPTY)
        return found

    def engine(self, table: object) -> dict[str, Any]:
        """Return the keys of the table `engine`, checked."""
        if table is None:
            return {}
        if not isinstance(table, Mapping):
            self._note("engine", mistakes.no_table(table))
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
            self._note("rules", mistakes.NO_LIST)
            return {}
        found: dict[str, Rule] = {}
        for number, table in enumerate(listed, 1):
            if not isinstance(table, Mapping):
                self._note(mistakes.in_rule(number), mistakes.no_rule(table))
                continue
            name = self._rule_name(number, table)
            place = mistakes.in_rule(repr(name) if name else number)
            if name in found:
                self._note(place, mistakes.SAME_NAME)
            rule = self._rule(place, name, table)
            if rule is not None:
                found[rule.name] = rule
        return found

    def _rule_name(self, number: int, table: Mapping[str, Any]) -> str:
        name = table.get("name")
        if name is None:
            self._note(mistakes.in_rule(number), mistakes.NO_NAME)
            return ""
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            self._note(mistakes.in_rule(number), mistakes.bad_name(name))
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
            self._note(place, mistakes.bad_kind(word, tuple(KINDS)))
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
                key = told.partition(" ")[0]
                self._note(place, mistakes.bad_setting(told, key, table.get(key)))
            return None

    def _flag(self, place: str, table: Mapping[str, Any], key: str) -> bool:
        value = table.get(key, True)
        if not isinstance(value, bool):
            self._note(place, mistakes.bad_flag(key, value))
            return True
        return value

    def _where(self, place: str, table: object) -> Mapping[str, tuple[str, ...]]:
        if table is None:
            return {}
        if not isinstance(table, Mapping):
            self._note(place, mistakes.bad_where(table))
            return {}
        self._unknown(joined((place, "where"), ": "), table, WHERE_FACTS)
        found: dict[str, tuple[str, ...]] = {}
        for fact, value in table.items():
            values = value if isinstance(value, list) else [value]
            if not values or not all(isinstance(one, str | int) and str(one) for one in values):
                self._note(place, mistakes.bad_fact(fact, value))
            found[str(fact)] = tuple(str(one) for one in values)
        return found

    def _unknown(self, place: str, table: Mapping[Any, Any], known: Sequence[str]) -> None:
        for key in table:
            if key not in known:
                self._note(place, mistakes.unknown_key(key, OTHER_WORDS.get(str(key)), table[key], known))


def _place_of(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else mistakes.in_line(mark.line + 1)
