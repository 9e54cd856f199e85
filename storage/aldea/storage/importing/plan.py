"""What an import would do: which sites are added, which change in what, which lines can't be taken and why."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aldea.storage.importing import words
from aldea.storage.importing.columns import BY_KEY, COLUMNS, column_of, headings
from aldea.storage.importing.rows import SEVERAL, RowCheck, SiteRow
from aldea.storage.importing.tables import Table
from aldea.storage.importing.words import Fault, TableError
from aldea.storage.register.facts import facts_at
from aldea.storage.register.people import list_people
from aldea.storage.register.programmes import list_programmes
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, SiteState, find_site, state_at

REASONS = ("reason", "motivo")
"""The heading of the column that a file of refused lines has more, in each language."""

MayChange = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Wish:
    """How to import. `from_day` None: today, in each site's own zone. `may_add`: new sites as well.

    `may_change` says for a site that is there already whether it is this person's to change.
    """

    from_day: date | None = None
    accept_fixes: bool = False
    may_add: bool = True
    may_change: MayChange = lambda _site: True


@dataclass(frozen=True, slots=True)
class Change:
    """One value that becomes another; `before` None where there was none."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class PlannedSite:
    """A good line: from when it holds, and what it changes (for a new site: everything)."""

    row: SiteRow
    is_new: bool
    from_ms: int
    timezone: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A bad line, with its cells as they were."""

    line: int
    cells: tuple[str, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything an import would do. `ignored` are headings that mean nothing here, with what they may have meant."""

    headings: tuple[str, ...]
    added: tuple[PlannedSite, ...]
    changed: tuple[PlannedSite, ...]
    same: tuple[SiteRow, ...]
    refused: tuple[Refused, ...]
    accepted: tuple[Fault, ...]
    ignored: tuple[tuple[str, str | None], ...]

    @property
    def good(self) -> tuple[PlannedSite, ...]:
        """The lines that would do something."""
        return (*self.added, *self.changed)


class _Columns:
    """Which of our columns stands where."""

    def __init__(self, table: Table) -> None:
        self.places: dict[str, int] = {}
        self.ignored: list[tuple[str, str | None]] = []
        self._written: dict[str, str] = {}
        for place, heading in enumerate(table.headings):
            key = column_of(heading) if heading else None
            if key is None:
                if heading and heading not in REASONS:
                    close = difflib.get_close_matches(heading.casefold(), headings(), 1)
                    self.ignored.append((heading, close[0] if close else None))
            elif key in self.places:
                raise TableError(Fault(0, "", words.TWICE_COLUMN, {"first": self._written[key], "second": heading}))
            else:
                self.places[key], self._written[key] = place, heading
        missing = [column for column in COLUMNS if column.required and column.key not in self.places]
        if missing:
            raise TableError(
                *(Fault(0, "", words.MISSING_COLUMN, {"column": f"{item.key} / {item.spanish}"}) for item in missing)
            )

    def heading(self, key: str) -> str:
        """Return a column's heading as it was written."""
        return self._written.get(key) or (BY_KEY[key].key if key in BY_KEY else key)

    def cells(self, cells: tuple[str, ...]) -> dict[str, str]:
        """Return the cells by column."""
        return {key: cells[place] if place < len(cells) else "" for key, place in self.places.items()}


class _Names:
    """Which programmes and people there are. What a site has named already, it may go on naming."""

    def __init__(self, unit: Unit) -> None:
        programmes = [programme.id for programme in list_programmes(unit, simulated=False)]
        people = [person.id for person in list_people(unit) if not person.disabled]
        self._known = {"programme": programmes, "responsible": people}

    def faults(self, unit: Unit, row: SiteRow, columns: _Columns, at_ms: int) -> tuple[Fault, ...]:
        """Return a fault for each name in a row that there is not, with the one that was probably meant."""
        named = [(key, item) for key, items in row.several.items() for item in items if item not in self._known[key]]
        if not named:
            return ()
        held = {(fact.fact, fact.item) for fact in facts_at(unit, row.id, at_ms)}
        return tuple(
            self._fault(row.line, columns.heading(key), key, item) for key, item in named if (key, item) not in held
        )

    def _fault(self, line: int, heading: str, key: str, item: str) -> Fault:
        close = difflib.get_close_matches(item.casefold(), self._known[key], 1)
        text, near = _UNKNOWN[key]
        return Fault(line, heading, near if close else text, {"value": item[:60], "close": "".join(close)})


_UNKNOWN = {
    "programme": (words.NO_PROGRAMME, words.NEAR_PROGRAMME),
    "responsible": (words.NO_PERSON, words.NEAR_PERSON),
}


def make_plan(unit: Unit, table: Table, wish: Wish, now_ms: int) -> Plan:
    """Return what importing the table would do now; nothing is changed. Raises TableError for its headings."""
    columns = _Columns(table)
    added: list[PlannedSite] = []
    changed: list[PlannedSite] = []
    same: list[SiteRow] = []
    refused: list[Refused] = []
    accepted: list[Fault] = []
    lines_of: dict[str, int] = {}
    names = _Names(unit)
    for line in table.lines:
        check = RowCheck(line.number, columns.cells(line.cells), columns, accept_fixes=wish.accept_fixes)
        row = check.row()
        planned = None if row is None else _planned(unit, row, wish, now_ms, columns, lines_of)
        unknown = () if row is None else names.faults(unit, row, columns, now_ms)
        if row is None or isinstance(planned, Fault) or unknown:
            own = (planned,) if isinstance(planned, Fault) else tuple(check.faults)
            refused.append(Refused(line.number, line.cells, (*own, *unknown)))
            continue
        accepted += check.accepted
        assert planned is not None
        if not planned.changes:
            same.append(row)
        else:
            (added if planned.is_new else changed).append(planned)
    return Plan(
        table.headings,
        tuple(added),
        tuple(changed),
        tuple(same),
        tuple(refused),
        tuple(accepted),
        tuple(columns.ignored),
    )


def _planned(
    unit: Unit, row: SiteRow, wish: Wish, now_ms: int, columns: _Columns, lines_of: dict[str, int]
) -> PlannedSite | Fault:
    heading = columns.heading("id")
    if row.id in lines_of:
        return Fault(row.line, heading, words.TWICE_ID, {"value": row.id, "other": lines_of[row.id]})
    lines_of[row.id] = row.line
    known = find_site(unit, row.id)
    if known is not None and known.simulated:
        return Fault(row.line, heading, words.SIMULATED_ID, {"value": row.id})
    if known is not None and not wish.may_change(row.id):
        return Fault(row.line, heading, words.NOT_YOURS, {"value": row.id})
    if known is None and not wish.may_add:
        return Fault(row.line, heading, words.NOT_EVERYWHERE)
    zone = row.timezone or (known.timezone if known is not None else None)
    if zone is None:
        return Fault(row.line, columns.heading("timezone"), words.NO_ZONE)
    from_ms = day_start(wish.from_day or _today(now_ms, zone), zone)
    changes = _changes(unit, row, known, from_ms, zone)
    return PlannedSite(row, known is None, from_ms, zone, changes)


def _changes(unit: Unit, row: SiteRow, known: Site | None, from_ms: int, zone: str) -> tuple[Change, ...]:
    before: dict[str, Any] = {}
    if known is not None:
        before = {"name": known.name, "timezone": known.timezone}
        if known.latitude is not None:
            before["place"] = (known.latitude, known.longitude)
        before |= _facts_before(unit, row.id, from_ms)
        if row.commissioned is not None:
            start = day_start(row.commissioned, zone)
            if state_at(unit, row.id, start) in {SiteState.COMMISSIONED, SiteState.SUSPENDED}:
                before["commissioned"] = row.commissioned
    after: dict[str, Any] = {"name": row.name, "timezone": zone, "place": row.place, "commissioned": row.commissioned}
    after |= {**row.facts, **row.several}
    found = [Change(key, before.get(key), value) for key, value in after.items() if value is not None]
    return tuple(change for change in found if change.before != change.after)


def _facts_before(unit: Unit, site: str, from_ms: int) -> Mapping[str, Any]:
    before: dict[str, Any] = {}
    for fact in facts_at(unit, site, from_ms):
        if fact.fact in SEVERAL:
            before[fact.fact] = (*before.get(fact.fact, ()), fact.value)
        else:
            before[fact.fact] = fact.value
    return before


def day_start(day: date, zone: str) -> int:
    """Return the moment (ms) at which a day begins in a zone."""
    return round(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def _today(now_ms: int, zone: str) -> date:
    return datetime.fromtimestamp(now_ms / 1000, ZoneInfo(zone)).date()
