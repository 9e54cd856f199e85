"""What a settings class offers, as plain data: for a page that draws a form, or a program that lists."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from aldea.model.settings import Rule, rule_of


class Shape(StrEnum):
    """What a setting's value looks like."""

    TEXT = "text"
    NUMBER = "number"
    WHOLE = "whole"
    FLAG = "flag"
    PATH = "path"
    LIST = "list"
    TABLES = "tables"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its dotted `key`, the table it is in ('' for the top), and what may be written there.

    `default` is None where it is unset. `env` is the variable that wins over it, where there is one.
    """

    key: str
    shape: Shape
    help: str
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    env: str | None = None

    @property
    def table(self) -> str:
        """The table it is in."""
        return self.key.rpartition(".")[0]

    @property
    def name(self) -> str:
        """Its name within the table."""
        return self.key.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class SettingsGuide:
    """What agents of this version can be told: each setting, and a check that returns a document's mistakes."""

    settings: Sequence[Setting]
    check: Callable[[Mapping[str, Any]], Sequence[str]]


def described(cls: type[Any], table: str = "") -> Iterator[Setting]:
    """Yield every setting of a class and of the tables within it; a list of tables is one setting."""
    hints = get_type_hints(cls)
    for item in fields(cls):
        kind = without_none(hints[item.name])
        key = f"{table}.{item.name}" if table else item.name
        if isinstance(kind, type) and is_dataclass(kind):
            yield from described(kind, key)
        else:
            yield _setting(key, kind, item, rule_of(item))


def paths_in(cls: type[Any], table: str = "") -> Iterator[str]:
    """Yield the dotted keys that are paths of files, also those within lists of tables (`snmp.targets.key_file`)."""
    hints = get_type_hints(cls)
    for item in fields(cls):
        kind = without_none(hints[item.name])
        key = f"{table}.{item.name}" if table else item.name
        inner = get_args(kind)[0] if get_origin(kind) is tuple else kind
        if isinstance(inner, type) and is_dataclass(inner):
            yield from paths_in(inner, key)
        elif inner is Path:
            yield key


def without_none(hint: Any) -> Any:
    """Return X for `X | None`, and everything else as it is."""
    if get_origin(hint) in {Union, types.UnionType}:
        return next(part for part in get_args(hint) if part is not types.NoneType)
    return hint


_SHAPES: Mapping[Any, Shape] = {
    str: Shape.TEXT,
    int: Shape.WHOLE,
    float: Shape.NUMBER,
    bool: Shape.FLAG,
    Path: Shape.PATH,
}


def _setting(key: str, kind: Any, item: Field[Any], rule: Rule) -> Setting:
    if get_origin(kind) is tuple:
        shape = Shape.TABLES if is_dataclass(get_args(kind)[0]) else Shape.LIST
    else:
        shape = _SHAPES[kind]
    default = None if item.default is MISSING else item.default
    if isinstance(default, tuple):
        default = [] if shape is Shape.TABLES else list(default)
    if isinstance(default, Path):
        default = str(default)
    return Setting(key, shape, rule.help, default, rule.minimum, rule.maximum, rule.choices, rule.env)
