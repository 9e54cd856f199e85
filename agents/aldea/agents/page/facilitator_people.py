"""Who can be ticked: a roster of hundreds in pages of forty names, found by letter or by part of a name.

What was ticked on one page is kept as a draft at the box when another is asked for, so that no page carries the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aldea.agents.page.facilitator_words import initial
from aldea.agents.records import Desk, Person
from aldea.agents.records.roster import plain

ON_A_PAGE, CORRECTED_ON_A_PAGE = 40, 25
"""So many names leave a page of less than 15 kB; in a correction each may be offered as then and as now."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Somebody to be ticked. `then`: how she is in the record that is corrected, where the roster says otherwise now.

    `today`: how the roster has her then; `now`: that it is to be followed. `name` is empty for who is in the record
    alone. `left`: who has left the village.
    """

    value: str
    name: str
    code: str
    ticked: bool
    then: Person | None = None
    today: Person | None = None
    now: bool = False
    left: bool = False


@dataclass(frozen=True, slots=True)
class Pager:
    """Which part of a list is shown: pages count from 1, `letters` are (letter, page)."""

    page: int
    pages: int
    letters: tuple[tuple[str, int], ...]
    size: int = ON_A_PAGE


def tick_value(code: str, sex: str, age_band: str) -> str:
    """Return the value of the tick of somebody as she was."""
    return f"{code}|{sex}|{age_band}"


def ticks_of(people: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the values of the ticks that stand for these people: code, sex and age band."""
    return [tick_value(*(str(one.get(name) or "") for name in ("code", "sex", "age_band"))) for one in people]


def code_of(tick: str) -> str:
    """Return whose tick it is; large and small letters are the same code."""
    return tick.partition("|")[0].upper()


def ticked_person(desk: Desk, tick: str) -> dict[str, str] | None:
    """Return who was ticked: somebody as the roster has her, or as she was, where the tick says so."""
    code, _, rest = tick.partition("|")
    if rest:
        sex, _, band = rest.partition("|")
        return {"code": code, "sex": sex, "age_band": band}
    person = desk.roster.find(code)
    return None if person is None else {"code": person.code, "sex": person.sex, "age_band": person.age_band}


def people_to_tick(desk: Desk, ticked: Iterable[str], recorded: Iterable[str], *, left_too: bool = False) -> list[Tick]:
    """Return everybody who can be ticked, by name; behind them who is in the record alone.

    `left_too`: whoever has left the village as well, among the others: a paper may be older than that.

    `ticked` and `recorded`: what is ticked, and what stands in the record that is corrected. Whoever stands there is
    offered as she was then, not as she is now.
    """
    chosen, before = ({code_of(tick): tick for tick in ticks} for ticks in (ticked, recorded))
    everybody = {person.code.upper(): person for person in desk.roster.people(gone=True)}
    found = [_tick(one, chosen, before) for one in everybody.values() if left_too or not one.gone]
    listed = {tick.code.upper() for tick in found}
    for code in sorted({*chosen, *before} - listed):
        value = before.get(code) or chosen[code]
        name = everybody[code].name if code in everybody else ""
        found.append(Tick(value, name, value.partition("|")[0], code in chosen, left=code in everybody))
    return found


def _tick(person: Person, chosen: Mapping[str, str], before: Mapping[str, str]) -> Tick:
    code = person.code.upper()
    value = before.get(code)
    present = tick_value(person.code, person.sex, person.age_band)
    if value is None or value.partition("|")[2] == present.partition("|")[2]:
        return Tick(value or person.code, person.name, person.code, code in chosen, left=person.gone)
    _, sex, band = value.split("|")
    is_now = code in chosen and chosen[code].partition("|")[2] in {"", present.partition("|")[2]}
    then = Person(person.code, person.name, sex, band)
    return Tick(value, person.name, person.code, code in chosen, then, person, is_now, left=person.gone)


def page_of(names: Sequence[str], wanted: object, size: int = ON_A_PAGE) -> Pager:
    """Return which page of a list of names is meant; a page that is none is the nearest one."""
    pages = max(1, -(-len(names) // size))
    text = str(wanted or "")
    page = min(max(int(text), 1), pages) if text.isdecimal() and len(text) < 5 else 1
    letters: dict[str, int] = {}
    for place, name in enumerate(names) if pages > 1 else ():
        if name:
            letters.setdefault(initial(name), place // size + 1)
    return Pager(page, pages, tuple(sorted(letters.items())), size)


def on_page(found: Sequence[Any], pager: Pager) -> list[Any]:
    """Return what stands on a page."""
    return list(found[(pager.page - 1) * pager.size : pager.page * pager.size])


def found_by(name: str, code: str, part: str) -> bool:
    """Say whether somebody is meant by a part of her name, or by her code."""
    if any(letter.isdigit() for letter in part):
        return part.strip().casefold() in code.casefold()
    said = plain(name)
    return all(word in said for word in plain(part).split())
