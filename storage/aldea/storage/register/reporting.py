"""Who owes what: which site has to report in which form for a period, and what has come in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, and_, or_, select

from aldea.model.said import Said
from aldea.storage.register.errors import RegisterError
from aldea.storage.register.programmes import FACT, Programme, list_programmes
from aldea.storage.register.records import Record, current_records
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import site, site_fact, site_state

NOTHING = "nothing"
"""The form that says that there was nothing to report: an explicit zero."""

DAY = timedelta(days=1)
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Report:
    """What a site owes for a period: `form` for `programme`, from `first_day` to `last_day`, by `due_on`.

    `period` is `202511` or `2025Q4`. `records` counts what came in, `zero` says that "nothing happened" did.
    """

    site: str
    site_name: str
    simulated: bool
    programme: str
    form: str
    period: str
    first_day: date
    last_day: date
    due_on: date
    records: int
    zero: bool

    @property
    def state(self) -> str:
        """`received`, `zero` (said that nothing happened) or `missing`."""
        if self.records:
            return "received"
        return "zero" if self.zero else "missing"


@dataclass(frozen=True, slots=True)
class _Place:
    id: str
    name: str
    simulated: bool
    zone: ZoneInfo
    commissioned: Sequence[tuple[int, int | None]]
    member: Mapping[str, Sequence[tuple[int, int | None]]]


def expected_reports(
    unit: Unit, month: str, *, sites: Collection[str] | None = None, forms: Collection[str] | None = None
) -> tuple[Report, ...]:
    """Return what is owed for `month` (`YYYYMM`), by site, form and programme.

    A site owes a form of a programme if it was commissioned and in the programme, while that ran, at some time
    of the period in its own time zone. A quarterly form is owed in each month of its quarter, once for the quarter.
    Raises RegisterError for a month that is none.
    """
    first, last = month_span(month)
    duties = [entry for entry in _duties(list_programmes(unit), first, last) if forms is None or entry[1] in forms]
    if not duties:
        return ()
    start, end = min(entry[3] for entry in duties), max(entry[4] for entry in duties)
    places = _places(unit, start, end, sites)
    came = _came_in(unit, {entry[1] for entry in duties}, start, end, sites)
    found = [
        _report(place, duty, came[place.id]) for place in places for duty in duties if _owes(place, duty[0], *duty[3:])
    ]
    return tuple(sorted(found, key=lambda item: (item.site, item.form, item.programme)))


def month_span(month: str) -> tuple[date, date]:
    """Return the first and last day of `YYYYMM`; raises RegisterError for what is no month."""
    if len(month) == 6 and month.isascii() and month.isdecimal():
        try:
            first = date(int(month[:4]), int(month[4:]), 1)
            return first, (first + 31 * DAY).replace(day=1) - DAY
        except (ValueError, OverflowError):
            pass
    raise RegisterError(
        Said(
            f"month is {month[:20]!r}: give year and month as 202511",
            f"month es {month[:20]!r}: dar año y mes como 202511",
        )
    )


def quarter_span(day: date) -> tuple[date, date]:
    """Return the first and last day of the quarter that `day` is in."""
    first = date(day.year, day.month - (day.month - 1) % 3, 1)
    return first, month_span(f"{first.year:04}{first.month + 2:02}")[1]


_Duty = tuple[Programme, str, str, date, date]


def _duties(programmes: Iterable[Programme], first: date, last: date) -> Iterator[_Duty]:
    """Yield (programme, form, period, first day, last day) of each duty that falls into the month."""
    quarter = quarter_span(first)
    named = {
        "month": (f"{first:%Y%m}", first, last),
        "quarter": (f"{first.year:04}Q{(first.month + 2) // 3}", *quarter),
    }
    for programme in programmes:
        for form, kind in programme.duties.items():
            period, start, end = named[kind]
            if programme.starts_on <= end and (programme.ends_on is None or programme.ends_on >= start):
                yield programme, form, period, start, end


def _owes(place: _Place, programme: Programme, first: date, last: date) -> bool:
    if programme.simulated != place.simulated:
        return False
    first = max(first, programme.starts_on)
    last = last if programme.ends_on is None else min(last, programme.ends_on)
    from_ms, to_ms = _midnight(first, place.zone), _midnight(last + DAY, place.zone)
    return any(
        max(a[0], b[0], from_ms) < min(to_ms, a[1] or to_ms, b[1] or to_ms)
        for a in place.commissioned
        for b in place.member.get(programme.id, ())
    )


def _midnight(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _report(place: _Place, duty: _Duty, came: Sequence[Record]) -> Report:
    programme, form, period, first, last = duty
    mine = [found for found in came if found.programme in ("", programme.id) and first <= found.event_date <= last]
    zeros = [found for found in mine if found.form == NOTHING and found.payload.get("form") == form]
    return Report(
        site=place.id,
        site_name=place.name,
        simulated=place.simulated,
        programme=programme.id,
        form=form,
        period=period,
        first_day=first,
        last_day=last,
        due_on=last + programme.due_days * DAY,
        records=sum(found.form == form for found in mine),
        zero=bool(zeros),
    )


def _came_in(
    unit: Unit, forms: Collection[str], first: date, last: date, sites: Collection[str] | None
) -> Mapping[str, Sequence[Record]]:
    by_site: dict[str, list[Record]] = defaultdict(list)
    for found in current_records(unit, {*forms, NOTHING}, first, last, sites):
        by_site[found.site].append(found)
    return by_site


def _places(unit: Unit, first: date, last: date, sites: Collection[str] | None) -> list[_Place]:
    """Return the sites that were commissioned about then; a day more on either side, for the time zones."""
    from_ms = _midnight(first - DAY, ZoneInfo("UTC"))
    to_ms = _midnight(last + 2 * DAY, ZoneInfo("UTC"))
    commissioned: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
    for row in unit.connection.execute(_spans(site_state, site_state.c.state == "commissioned", from_ms, to_ms)):
        commissioned[row.site].append((row.valid_from_ms, row.valid_to_ms))
    member: dict[str, dict[str, list[tuple[int, int | None]]]] = defaultdict(lambda: defaultdict(list))
    for row in unit.connection.execute(_spans(site_fact, site_fact.c.fact == FACT, from_ms, to_ms)):
        member[row.site][row.item].append((row.valid_from_ms, row.valid_to_ms))
    wanted = select(site.c.id, site.c.name, site.c.simulated, site.c.timezone)
    return [
        _Place(row.id, row.name, row.simulated, ZoneInfo(row.timezone), commissioned[row.id], member[row.id])
        for row in unit.connection.execute(wanted if sites is None else wanted.where(site.c.id.in_(sites)))
        if row.id in commissioned and row.id in member
    ]


def _spans(table: Any, condition: ColumnElement[bool], from_ms: int, to_ms: int) -> Select[Any]:
    meets = and_(table.c.valid_from_ms < to_ms, or_(table.c.valid_to_ms.is_(None), table.c.valid_to_ms > from_ms))
    return select(table).where(condition, meets)
