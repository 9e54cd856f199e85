"""What was filled in: ticks on the roster become participants, the numbers of the grid a tally."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aldea.agents.page.facilitator_words import SEX_WORDS
from aldea.agents.page_settings import LANGUAGES
from aldea.agents.records import Desk
from aldea.agents.records.roster import AGE_BANDS, SEXES
from aldea.model.forms import Definition, Fault, Group, from_flat

PEOPLE, TALLY = "participants", "tally"
ROWS_SHOWN = 2
WAYS = ("tally", "ticks", "both")

Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was filled in: what was typed, and the record that it corrects."""

    definition: Definition
    typed: Mapping[str, Any]
    token: str
    way: str = "both"
    programme: str = ""
    record: str = ""
    based_on: int | None = None
    reason: str = ""
    ticked: frozenset[str] = field(default_factory=frozenset)


def filled_of(desk: Desk, definition: Definition, pairs: Pairs) -> Filled:
    """Return what a browser sent: ticks become participants, the grid's numbers a tally."""
    given = dict(pairs)
    typed = from_flat(definition, pairs)
    ticks = [value for name, value in pairs if name == "tick"]
    if asks_for(definition, PEOPLE):
        typed[PEOPLE] = [person for tick in ticks if (person := _ticked(desk, tick)) is not None]
    if asks_for(definition, TALLY):
        typed[TALLY] = [
            {"sex": sex, "age_band": band, "count": given[f"n.{sex}.{band}"]}
            for sex in SEXES
            for band in AGE_BANDS
            if given.get(f"n.{sex}.{band}", "").strip() not in {"", "0"}
        ]
    version = given.get("based_on", "")
    return Filled(
        definition,
        typed,
        given.get("token", "")[:64] or secrets.token_urlsafe(12),
        given.get("way", "both") if given.get("way") in WAYS else "both",
        given.get("programme", "")[:39],
        given.get("record", "")[:32],
        int(version) if version.isdecimal() and len(version) < 7 else None,
        given.get("reason", "")[:200],
        frozenset(ticks_of(typed.get(PEOPLE) or ())),
    )


def asks_for(definition: Definition, group: str) -> bool:
    """Say whether a form asks for people, or counts of them, as the shipped forms do."""
    found = definition.field(group)
    wanted = {"sex", "age_band", "code" if group == PEOPLE else "count"}
    return found is not None and {column.name for column in found.fields} == wanted


def _ticked(desk: Desk, tick: str) -> dict[str, str] | None:
    """Return who was ticked: somebody of the roster, or `code|sex|age band` of a record whose people left it."""
    code, _, rest = tick.partition("|")
    person = desk.roster.find(code)
    if person is not None:
        return {"code": person.code, "sex": person.sex, "age_band": person.age_band}
    sex, _, band = rest.partition("|")
    return {"code": code, "sex": sex, "age_band": band} if rest else None


def ticks_of(people: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the values of the ticks that stand for these people: code, sex and age band."""
    return [f"{person.get('code', '')}|{person.get('sex', '')}|{person.get('age_band', '')}" for person in people]


def told_by_group(faults: Sequence[Fault], tally: Sequence[Mapping[str, str]]) -> list[Fault]:
    """Return the faults with those of counts at their place in the grid, `n.F.6-14`: there are no rows to be seen."""
    found = []
    for fault in faults:
        group, _, rest = fault.path.partition(".")
        place = rest.partition(".")[0]
        if group == TALLY and place.isdecimal() and int(place) < len(tally):
            row = tally[int(place)]
            sex = SEX_WORDS[row["sex"]]
            labels = {code: f"{sex.in_(code)}, {row['age_band']}" for code in LANGUAGES}
            fault = replace(fault, path=f"n.{row['sex']}.{row['age_band']}", labels=labels)  # noqa: PLW2901 - told anew
        found.append(fault)
    return found


def short_group(group: Group, more_rows: int | None) -> Group:
    """Return a group with what was typed and a few empty rows: a phone's page is narrow and long."""
    filled = [place for place, row in enumerate(group.rows) if any(cell.value or cell.error for cell in row)]
    shown = (max(filled) + 1 if filled else 0) + (more_rows or (0 if filled else ROWS_SHOWN))
    return replace(group, rows=group.rows[:shown])


def people_to_tick(desk: Desk, filled: Filled) -> list[tuple[str, str, str, bool]]:
    """Return who can be ticked: (value, name, code, ticked), those who are in the record only as well."""
    roster = desk.roster.people()
    codes = {tick.partition("|")[0].upper(): tick for tick in filled.ticked}
    known = [(person.code, person.name, person.code, person.code.upper() in codes) for person in roster]
    listed = {person.code.upper() for person in roster}
    others = [(tick, "", tick.partition("|")[0], True) for code, tick in sorted(codes.items()) if code not in listed]
    return known + others
