"""What can be wrong in a file of rules: each a sentence in both languages, with how to mend it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import MappingProxyType

from aldea.model.said import Said, in_spanish

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|sec|m|min|h|d|w)")
_UNIT_SECONDS = MappingProxyType(
    {"ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
)

NO_YAML = Said(
    "this is not YAML; check indentation, colons and quotes", "esto no es YAML; revisar sangrías, dos puntos y comillas"
)
NO_RULES = Said(
    "has no rules; start it with `version: 1` and a list `rules:`",
    "no tiene reglas; empezar con `version: 1` y una lista `rules:`",
)
EMPTY = Said("is empty; add a rule, or take the file away", "está vacía; agregar una regla, o quitar el archivo")
NO_LIST = Said("is not a list; begin each rule with `- name: …`", "no es una lista; empezar cada regla con `- name: …`")
SAME_NAME = Said(
    "name: is there twice in this file; give one of them another name",
    "name: está dos veces en este archivo; dar otro nombre a una",
)
NO_NAME = Said(
    "name: is missing; give it one of a-z, 0-9, _ and -, such as site_silent",
    "name: falta; darle uno de a-z, 0-9, _ y -, como site_silent",
)


def in_rule(which: object) -> Said:
    """Return where a mistake is: the rule's name or number."""
    return Said(f"rule {which}", f"regla {which}")


def in_line(number: int) -> Said:
    """Return where a mistake is: the line's number, from 1."""
    return Said(f"line {number}", f"línea {number}")


def twice(key: str) -> Said:
    """Say that a key is there twice."""
    return Said(f"the key {key!r} is there twice; keep one of them", f"la clave {key!r} está dos veces; dejar una")


def other_version(found: object, ours: int) -> Said:
    """Say that a version is not ours."""
    return Said(f"is {found!r}; write `version: {ours}`", f"es {found!r}; escribir `version: {ours}`")


def no_table(found: object) -> Said:
    """Say that something is no table of keys."""
    return Said(f"is {found!r}; expects keys with values", f"es {found!r}; se esperan claves con valores")


def no_rule(found: object) -> Said:
    """Say that something is no rule."""
    return Said(
        f"is {found!r}; expects keys such as name and kind", f"es {found!r}; se esperan claves como name y kind"
    )


def bad_name(found: object) -> Said:
    """Say that a name is none."""
    return Said(
        f"name: is {found!r}; expects 1 to 64 of a-z, 0-9, _ and -",
        f"name: es {found!r}; se espera de 1 a 64 de a-z, 0-9, _ y -",
    )


def bad_kind(word: object, known: Sequence[str]) -> Said:
    """Say that a kind is missing, or none of ours."""
    told = Said("is missing", "falta") if word is None else Said(f"is {word!r}", f"es {word!r}")
    every = ", ".join(known)
    return Said(f"kind: {told}; expects one of {every}", f"kind: {told.es}; se espera uno de {every}")


def bad_flag(key: str, value: object) -> Said:
    """Say that something is neither true nor false."""
    return Said(f"{key}: is {value!r}; expects true or false", f"{key}: es {value!r}; se espera true o false")


def bad_where(found: object) -> Said:
    """Say that something is no facts with their values."""
    return Said(
        f"where: is {found!r}; expects a fact and its value, such as `provider: Hughes`",
        f"where: es {found!r}; se espera un dato y su valor, como `provider: Hughes`",
    )


def bad_fact(fact: object, value: object) -> Said:
    """Say that a fact's value is no text."""
    return Said(
        f"where.{fact}: is {value!r}; expects a text, or a list of texts",
        f"where.{fact}: es {value!r}; se espera un texto, o una lista de textos",
    )


def bad_setting(told: str, key: str, value: object) -> Said:
    """Say what is wrong with a kind's setting, as settings say it ("key is …"), with a hint about its unit."""
    rest, spanish, hint = told.partition(" ")[2], in_spanish(told).partition(" ")[2], _unit_hint(key, value)
    return Said(f"{key}: {rest}{hint}", f"{key}: {spanish}{in_spanish(hint)}")


def unknown_key(key: object, ours: str | None, value: object, known: Sequence[str]) -> Said:
    """Say that a key is not known; `ours` is our word for it, where there is one."""
    if ours in known:
        hint, unit = Said(f"write {ours}", f"escribir {ours}"), _unit_hint(ours, value)
    else:
        every = ", ".join(known)
        hint, unit = Said(f"known are {every}", f"se conocen {every}"), ""
    return Said(f"{key}: is not a key here; {hint}{unit}", f"{key}: aquí no es una clave; {hint.es}{in_spanish(unit)}")


def _unit_hint(key: str | None, value: object) -> str:
    """Return how to write a value that has a unit in it, or is a percentage."""
    if key is None or isinstance(value, bool):
        return ""
    if key.endswith("_ratio") and isinstance(value, int | float) and 1 < value <= 100:
        return _is(f"{value:g} %", value / 100)
    if key.endswith("_ratio") and isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?\s*%", value):
        return _is(value, float(value.rstrip("% ")) / 100)
    if key.endswith("_seconds") and isinstance(value, str) and (found := _SPAN.fullmatch(value.strip())):
        return _is(value, float(found[1]) * _UNIT_SECONDS[found[2]])
    return ""


def _is(text: str, number: float) -> Said:
    return Said(f" ({text} is {number:g})", f" ({text} es {number:g})")
