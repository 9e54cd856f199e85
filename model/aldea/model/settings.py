"""Settings: a parsed TOML table and the environment in, a frozen dataclass out, every error at once.

Pure: the caller reads the file and hands in `os.environ`. A settings class is a frozen dataclass whose
fields carry a rule: `field(default=..., metadata=about(...))`. Their types may be str, int, float, bool,
Path, `X | None`, `tuple[X, ...]`, another settings class (a table) or a tuple of one (a list of tables).
A class may check several fields together in `__post_init__`, by raising ValueError with a sentence.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from aldea.model.said import Said, in_spanish

Settings = TypeVar("Settings")
Check = Callable[[Any], str | None]


class SettingsError(ValueError):
    """Settings that cannot be used. `errors` holds every mistake, each a sentence for the person.

    Sentences of settings that may come from afar are `Said` in both languages.
    """

    def __init__(self, errors: Sequence[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = list(errors)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field's value must satisfy, and where else it may come from.

    `check` gets the value and returns None, or the words that follow "expects" in the error (`Said` in both languages).
    Ranges and choices hold for each item of a list.
    """

    help: str = ""
    env: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    check: Check | None = None


def about(
    help: str = "",  # noqa: A002 - as in argparse
    *,
    env: str | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    check: Check | None = None,
) -> dict[str, Rule]:
    """Return the metadata of a settings field: `field(default=60, metadata=about("port", minimum=1))`."""
    return {"rule": Rule(help, env, minimum, maximum, choices, check)}


def rule_of(item: Field[Any]) -> Rule:
    """Return the rule of a dataclass field; an empty one when `about` was not used."""
    rule = item.metadata.get("rule", Rule())
    assert isinstance(rule, Rule)
    return rule


def load_settings(cls: type[Settings], table: object, environ: Mapping[str, str], path: str = "settings") -> Settings:
    """Return an instance of the settings class `cls` made of the mapping `table`; `environ` overrides it.

    `path` is the table's own place in the file ("agent"), for the error sentences. Unknown keys, wrong
    types, values out of range and missing required keys are all collected.
    Raises SettingsError with every one of them.
    """
    loader = _Loader(environ)
    made = loader.value(cls, table, path, Rule())
    if loader.errors:
        raise SettingsError(loader.errors)
    return made  # type: ignore[no-any-return]  # `value` returns Any: an instance of `cls` when no error


_KIND_WORDS = {
    str: Said("a text", "un texto"),
    int: Said("a whole number", "un número entero"),
    float: Said("a number", "un número"),
    bool: Said("true or false", "true o false"),
    Path: Said("a path", "una ruta"),
}
_LARGEST = 2**62
"""Whatever is larger fits into no row, and is nobody's intent; NaN is no number either."""
_FLAGS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


class _Loader:
    """One run: collects errors while it walks the class and the table side by side."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.errors: list[str] = []

    def _table(self, cls: type[Any], table: Mapping[str, object], path: str) -> Any:
        errors_before = len(self.errors)
        hints = get_type_hints(cls)
        known = [item.name for item in fields(cls)]
        self._note_unknown(table, known, path)
        values = {}
        for item in fields(cls):
            key = _under(path, item.name)
            rule = rule_of(item)
            from_env = self._environ.get(rule.env) if rule.env else None
            if from_env:  # an empty variable is an unset one, as compose files leave them
                values[item.name] = self._from_text(hints[item.name], from_env, rule)
            elif item.name in table:
                values[item.name] = self.value(hints[item.name], table[item.name], key, rule)
            elif is_dataclass(hints[item.name]):
                # An absent table is read as an empty one: its fields may come from the environment.
                values[item.name] = self.value(hints[item.name], {}, key, rule)
            elif item.default is MISSING and item.default_factory is MISSING:
                self._note_missing(key, rule)
        if len(self.errors) > errors_before:
            return None
        try:
            return cls(**values)
        except ValueError as error:
            said = error.args[0] if error.args and isinstance(error.args[0], Said) else str(error)
            self._note(path, said, in_spanish(said))
            return None

    def _note(self, key: str, english: str, spanish: str) -> None:
        self.errors.append(Said(f"{key} {english}", f"{in_spanish(key)} {spanish}"))

    def _note_missing(self, key: str, rule: Rule) -> None:
        or_env, o_env = (f" (or the variable {rule.env})", f" (o la variable {rule.env})") if rule.env else ("", "")
        self._note(
            key,
            f"is missing; set it{or_env}: {rule.help or 'it has no default'}",
            f"falta y no tiene valor de fábrica; hay que ponerlo{o_env}",
        )

    def _note_value(self, key: str, value: object, wanted: str) -> None:
        self._note(key, f"is {value!r}; expects {wanted}", f"es {value!r}; se espera {in_spanish(wanted)}")

    def _note_unknown(self, table: Mapping[str, object], known: Sequence[str], path: str) -> None:
        for name in table:
            if name not in known:
                import difflib  # noqa: PLC0415 - for mistakes alone, which a small machine seldom makes

                close, all_known = difflib.get_close_matches(str(name), known, 1), ", ".join(sorted(known))
                hint = f"did you mean {close[0]}?" if close else f"known are {all_known}"
                in_es = f"¿quizá {close[0]}?" if close else f"se conocen {all_known}"
                self._note(_under(path, str(name)), f"is not a setting; {hint}", f"no es un ajuste; {in_es}")

    def _from_text(self, hint: Any, text: str, rule: Rule) -> Any:
        """Read an environment variable: lists by commas, numbers and flags in the usual spellings."""
        key = Said(f"the variable {rule.env}", f"la variable {rule.env}")
        kind = _without_none(hint)
        if get_origin(kind) is tuple:
            parts = [part.strip() for part in text.split(",") if part.strip()]
            item_kind = get_args(kind)[0]
            return self.value(kind, [_parsed(item_kind, part) for part in parts], key, rule)
        return self.value(kind, _parsed(kind, text.strip()), key, rule)

    def value(self, hint: Any, value: object, key: str, rule: Rule) -> Any:
        """Return `value` as the type `hint`, or None after noting what is wrong with it."""
        kind, errors_before = _without_none(hint), len(self.errors)
        if get_origin(kind) is tuple:
            made = self._items(get_args(kind)[0], value, key, rule)
        elif is_dataclass(kind):
            if not isinstance(value, Mapping):
                return self._note_value(key, value, Said("a table", "una tabla"))
            assert isinstance(kind, type)
            return self._table(kind, value, key)
        else:
            made = self._scalar(kind, value, key, rule)
        wanted = rule.check(made) if rule.check and made is not None and len(self.errors) == errors_before else None
        if wanted:
            self._note_value(key, value, wanted)
        return made

    def _items(self, kind: Any, value: object, key: str, rule: Rule) -> tuple[Any, ...] | None:
        if not isinstance(value, Sequence) or isinstance(value, str):
            self._note_value(key, value, Said("a list", "una lista"))
            return None
        plain = Rule(rule.help, None, rule.minimum, rule.maximum, rule.choices)
        keys = (Said(f"{key}[{index}]", f"{in_spanish(key)}[{index}]") for index in range(len(value)))
        return tuple(self.value(kind, item, under, plain) for item, under in zip(value, keys, strict=True))

    def _scalar(self, kind: Any, value: object, key: str, rule: Rule) -> Any:
        made = _converted(kind, value)
        if made is None:
            return self._note_value(key, value, _KIND_WORDS.get(kind, str(kind)))
        if rule.choices and made not in rule.choices:
            choices = ", ".join(rule.choices)
            self._note_value(key, value, Said(f"one of {choices}", f"uno de {choices}"))
        if isinstance(made, int | float) and not isinstance(made, bool):
            if rule.minimum is not None and made < rule.minimum:
                self._note_value(key, made, Said(f"at least {rule.minimum:g}", f"al menos {rule.minimum:g}"))
            if rule.maximum is not None and made > rule.maximum:
                self._note_value(key, made, Said(f"at most {rule.maximum:g}", f"como máximo {rule.maximum:g}"))
        return made


def _under(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _without_none(hint: Any) -> Any:
    """Return X for `X | None`, and everything else as it is."""
    if get_origin(hint) in {Union, types.UnionType}:
        return next(part for part in get_args(hint) if part is not types.NoneType)
    return hint


def _parsed(kind: Any, text: str) -> object:
    """Read a text as a value of `kind`; a text that cannot be read stays a text and is refused later."""
    if kind is bool:
        return _FLAGS.get(text.lower(), text)
    if kind in {int, float}:
        try:
            return int(text) if kind is int else float(text)
        except ValueError:
            return text
    return text


def _converted(kind: Any, value: object) -> Any:
    """Return `value` as `kind`, or None when it is of another type. A flag is never a number."""
    if isinstance(value, str) and "\0" in value:
        return None  # no file has such a name, and no database keeps such a text
    if kind is Path:
        return Path(value).expanduser() if isinstance(value, str) and value else None
    if isinstance(value, bool) and kind is not bool:
        return None
    if isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
        return None
    if kind is float and isinstance(value, int | float):
        return float(value)
    return value if isinstance(value, kind) else None
