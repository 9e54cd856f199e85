"""What the catalogue says of a measurement and its fields, and short ways to write the usual ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SHORT_TEXT = 1_024
LONG_TEXT = 16_384
"""The longest text on the wire, in characters."""


class Kind(StrEnum):
    """What kind of value a field holds."""

    REAL = "real"
    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a measurement. `decimals` is the resolution kept on the wire and in stores (REAL only).

    `longest`: of a text, in characters; what is longer is cut by the agent.
    """

    name: str
    kind: Kind
    title: str
    unit: str = ""
    decimals: int = 0
    minimum: float | None = None
    maximum: float | None = None
    longest: int = SHORT_TEXT


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement: its tags and fields, as in InfluxDB. `title` is for people.

    A `document` travels like any row, and is for the register: it never reaches the series store, a chart or a summary.
    """

    name: str
    title: str
    tags: tuple[str, ...]
    fields: tuple[Field, ...]
    document: bool = False

    def field(self, name: str) -> Field | None:
        """Return the field called `name`, or None when the catalogue does not list it."""
        return next((item for item in self.fields if item.name == name), None)


def seconds(name: str, title: str, maximum: float = 120.0, decimals: int = 5) -> Field:
    """Return a duration in seconds."""
    return Field(name, Kind.REAL, title, "s", decimals, 0, maximum)


def count(name: str, title: str, maximum: float | None = None) -> Field:
    """Return a count from zero."""
    return Field(name, Kind.INTEGER, title, "", 0, 0, maximum)


def size(name: str, title: str) -> Field:
    """Return a number of bytes."""
    return Field(name, Kind.INTEGER, title, "B", 0, 0, 2**62)


def rate(name: str, title: str) -> Field:
    """Return a rate in bits a second."""
    return Field(name, Kind.INTEGER, title, "bit/s", 0, 0, 10**12)


def ratio(name: str, title: str) -> Field:
    """Return a share from 0 to 1."""
    return Field(name, Kind.REAL, title, "ratio", 4, 0, 1)


def text(name: str, title: str, longest: int = SHORT_TEXT) -> Field:
    """Return a text; `longest` in characters."""
    return Field(name, Kind.TEXT, title, longest=longest)


FAILURE = text("failure", "Failure")
