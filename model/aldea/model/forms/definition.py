"""What a form asks for: fields, their kinds, and rules between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

LANGUAGES = ("es", "en")


class Kind(StrEnum):
    """What a field takes."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    CHOICE = "choice"
    YES_NO = "yes_no"
    ROWS = "rows"


class _Omitted:
    """Stands for "leave the field out of the payload"."""

    def __repr__(self) -> str:
        return "OMITTED"


OMITTED = _Omitted()
Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values of a choice, with what people read, by language."""

    value: str
    label: Texts


@dataclass(frozen=True, slots=True)
class Field:
    """One question. `blank`: what stands in the payload when it is left empty (OMITTED: nothing does).

    `format` of a text: `code` (a key for a person, never a name), `local_time`, `month`. `default_from`: a field of
    the form whose value holds when this one is left empty. ROWS: `fields` are the columns, `unique` the column
    whose values may not repeat, `omit_empty` whether a group without rows is left out of the payload.
    """

    name: str
    kind: Kind
    label: Texts
    help: Texts
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    max_length: int = 200
    choices: tuple[Choice, ...] = ()
    format: str = ""
    blank: object = OMITTED
    default_from: str = ""
    fields: tuple[Field, ...] = ()
    unique: str = ""
    blank_rows: int = 5
    max_rows: int = 300
    omit_empty: bool = False

    def field(self, name: str) -> Field | None:
        """Return the column called `name`, or None."""
        return next((item for item in self.fields if item.name == name), None)


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition between fields.

    `order`: the day or time `fields[1]` is not before `fields[0]`. `at_most`: the number `fields[0]` is not above
    `fields[1]`. `some`: at least one of `fields` is filled in (a number: above zero). With `rows`, the first two hold
    in each row of that group; a name that is no column is the form's own field.
    """

    kind: str
    fields: tuple[str, ...]
    rows: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A form. `event_from` names the field that says when it happened; `document` is the definition as JSON.

    `after_end`: it may speak of days after its programme's end, as following up does.
    """

    id: str
    version: str
    title: Texts
    help: Texts
    privacy: Texts
    event_from: str
    fields: tuple[Field, ...]
    rules: tuple[Rule, ...]
    document: Mapping[str, Any]
    after_end: bool = False

    def field(self, name: str) -> Field | None:
        """Return the field called `name`, or None."""
        return next((item for item in self.fields if item.name == name), None)

    @property
    def groups(self) -> tuple[Field, ...]:
        """The fields that are rows."""
        return tuple(item for item in self.fields if item.kind is Kind.ROWS)


def in_language(texts: Texts, language: str) -> str:
    """Return the text in `language`, else in Spanish, else in whatever there is; '' when there is none."""
    return texts.get(language) or texts.get("es") or next(iter(texts.values()), "")
