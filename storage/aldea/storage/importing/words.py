"""What is said of a table that can't be taken as it is. English texts are the keys of the catalogues."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

NOT_A_TABLE = "This file is neither XLSX nor CSV: save it as one of them (Excel: Save as). What is wrong: %(reason)s"
TOO_LARGE = "The file has %(size)s; at most %(most)s are taken: split it."
TOO_MANY_ROWS = "The table has more than %(most)s rows: split it."
NO_HEADER = "No line with the columns' names was found: the first line must name them, such as id, name, municipality."
NO_ROWS = "The table has no sites below its first line."
MISSING_COLUMN = "The column “%(column)s” is missing: add it, or start from the template."
TWICE_COLUMN = "The columns “%(first)s” and “%(second)s” mean the same: keep one."
EMPTY = "is empty: write it"
BAD_ID = "is “%(value)s”; an id has 1 to 39 of a-z, 0-9 and -, and does not begin with -"
TWICE_ID = "is “%(value)s” as in line %(other)s: each site stands in one line"
SIMULATED_ID = "is “%(value)s”, which is a simulated site: choose another id"
NOT_YOURS = "is “%(value)s”, a site that you may not change"
NOT_EVERYWHERE = "is new, and new sites can only be added by somebody whose right holds everywhere"
NO_PROGRAMME = "names the programme “%(value)s”, which there is not: correct it, or add the programme first"
NEAR_PROGRAMME = "names the programme “%(value)s”, which there is not: did you mean %(close)s? Else add it first"
NO_PERSON = "names the person “%(value)s”, who has no account: correct it, or add the person first"
NEAR_PERSON = "names the person “%(value)s”, who has no account: did you mean %(close)s? Else add the person first"
LONG_TEXT = "has %(length)s characters; at most %(most)s are kept: shorten it"
BAD_NUMBER = "is “%(value)s”; write a number such as 20.5"
DOUBTFUL_NUMBER = "is “%(value)s”: is the comma for thousands or for decimals? Write %(whole)s or %(decimal)s"
BAD_WHOLE = "is “%(value)s”; write a whole number such as 1250"
OUT_OF_RANGE = "is %(value)s; it must be from %(low)s to %(high)s"
BAD_DATE = "is “%(value)s”; write the date as 2026-03-01"
BAD_HOURS = "is “%(value)s”; write hours such as “mon-fri 09:00-18:00, sat 09:00-14:00”"
BAD_CHOICE = "is “%(value)s”; write one of: %(choices)s"
BAD_ZONE = "is “%(value)s”; write an IANA name such as America/Mexico_City"
NO_ZONE = "is empty and can't be told without a state or an INEGI code: fill in one of the three"
DOUBTFUL_ZONE = "is empty, and %(state)s has several: write the municipality or its INEGI code, or one of %(zones)s"
OTHER_ZONE = "is “%(value)s”, but the municipality keeps the time of %(zone)s"
BAD_STATE = "is “%(value)s”; it is none of the 32 federal states"
BAD_INEGI = "is “%(value)s”; the code of a municipality has 5 digits, that of a locality 9"
LOST_ZERO = "is “%(value)s”: its first zero is lost, as happens in Excel; format the column as text and write %(whole)s"
OTHER_STATE = "is “%(value)s”, a code of %(code_state)s, but the state is “%(state)s”: correct one of them"
HALF_PLACE = "latitude and longitude go together: give both or neither"
LIKELY_SWAPPED = "is %(value)s, which is not in Mexico: are latitude and longitude swapped, or a sign missing?"
POPULATION_PART = "is %(value)s, more than the population, %(population)s"

TEXTS: tuple[str, ...] = tuple(
    value for name, value in sorted(globals().items()) if name.isupper() and isinstance(value, str)
)
"""Every text, for the catalogues."""

Translate = Callable[[str], str]


def as_it_is(text: str) -> str:
    """Return the text: English."""
    return text


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what, and how to mend it.

    `line` as a spreadsheet counts, 0 for the table as a whole; `column` is the heading as it was written. `fix`: the
    value that is offered instead, which the user may accept.
    """

    line: int
    column: str
    text: str
    values: Mapping[str, object] = field(default_factory=dict)
    fix: str | None = None

    def sentence(self, translate: Translate = as_it_is) -> str:
        """Return what is wrong in words, without the line."""
        said = translate(self.text) % dict(self.values)
        return f"{self.column} {said}" if self.column else said


class TableError(ValueError):
    """The table as a whole can't be taken; `faults` says why."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(" ".join(fault.sentence() for fault in faults))
        self.faults = faults
