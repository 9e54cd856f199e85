"""What was filled in: ticks on the roster become participants, the numbers of the grid a tally."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from aldea.agents.page.facilitator_people import code_of, ticked_person, ticks_of
from aldea.agents.page.facilitator_words import SEX_WORDS
from aldea.agents.page_settings import LANGUAGES
from aldea.agents.records import Desk
from aldea.agents.records.roster import AGE_BANDS, SEXES
from aldea.model.forms import Definition, Fault, Group, from_flat

PEOPLE, TALLY = "participants", "tally"
ROWS_SHOWN = 2
WAYS = ("tally", "ticks", "both")
_NOT_KEPT = frozenset({"shown", "elsewhere", "now", "action", "tick", "page", "lang", "form_version"})

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
    find: str = ""


def filled_of(desk: Desk, definition: Definition, pairs: Pairs) -> Filled:
    """Return what a browser sent, or a draft kept: ticks become participants, the grid's numbers a tally."""
    given = dict(pairs)
    typed = from_flat(definition, pairs)
    ticks = [value for name, value in pairs if name == "tick"]
    if asks_for(definition, PEOPLE):
        people = (ticked_person(desk, tick) for tick in sorted(ticks, key=code_of))
        typed[PEOPLE] = [person for person in people if person is not None]
    if asks_for(definition, TALLY):
        typed[TALLY] = [
            {"sex": sex, "age_band": band, "count": given[f"n.{sex}.{band}"]}
            for sex in SEXES
            for band in AGE_BANDS
            if given.get(f"n.{sex}.{band}", "").strip().strip("0")
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
        given.get("find", "")[:80].strip(),
    )


def whole(desk: Desk, pairs: Pairs) -> list[tuple[str, str]]:
    """Return what a browser sent, with what was ticked on the pages of the list that it did not show.

    `shown` names the codes that the page showed; without it, the ticks are all there are.
    """
    given = dict(pairs)
    ticks = [value for name, value in pairs if name == "tick"]
    present = {code_of(code) for name, code in pairs if name == "now"}
    ticks = [tick.partition("|")[0] if code_of(tick) in present else tick for tick in ticks]
    if "shown" in given:
        shown = {code.upper() for code in given["shown"].split()}
        ticks += [tick for tick in _ticked_before(desk, given) if code_of(tick) not in shown]
    kept = [(name, value) for name, value in pairs if name not in _NOT_KEPT]
    return kept + [("tick", tick) for tick in {code_of(tick): tick for tick in reversed(ticks)}.values()]


def ticks_are_gone(desk: Desk, pairs: Pairs) -> bool:
    """Say whether fewer are ticked on the pages that were not shown than the page said: the draft was thrown away."""
    given = dict(pairs)
    said = given.get("elsewhere", "")
    if not (said.isdecimal() and len(said) < 6):
        return False
    shown = {code.upper() for code in given.get("shown", "").split()}
    return len({code_of(tick) for tick in _ticked_before(desk, given)} - shown) < int(said)


def is_of_an_older_form(definition: Definition, sent: Pairs) -> bool:
    """Say whether a form was drawn before the server changed it: what has no place in the new one would be lost."""
    return dict(sent).get("form_version", definition.version) != definition.version


def _ticked_before(desk: Desk, given: Mapping[str, str]) -> list[str]:
    """Return what is ticked so far in a form: as it was stored, as its draft has it, or as the record has it."""
    token = given.get("token", "")[:64]
    stored = desk.book.by_token(token) if token else None
    if stored is not None:
        return ticks_of(stored.payload.get(PEOPLE) or ())
    draft = desk.roster.draft(token)
    if draft is not None:
        return [str(value) for name, value in draft.content.get("pairs", ()) if name == "tick"]
    return recorded_ticks(desk, given.get("record", "")[:32])


def recorded_ticks(desk: Desk, record: str) -> list[str]:
    """Return the ticks for those who stand in a record's newest version; none for no record."""
    last = desk.book.newest(record) if record else None
    return [] if last is None else ticks_of(last.payload.get(PEOPLE) or ())


def texts_of(value: Any) -> list[str]:
    """Return every text in a payload, in its rows as well."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [text for item in inner for text in texts_of(item)]


def asks_for(definition: Definition, group: str) -> bool:
    """Say whether a form asks for people, or counts of them, as the shipped forms do."""
    found = definition.field(group)
    wanted = {"sex", "age_band", "code" if group == PEOPLE else "count"}
    return found is not None and {column.name for column in found.fields} == wanted


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
