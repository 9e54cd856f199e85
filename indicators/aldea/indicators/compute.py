"""Every value of a period: evidence in, values out. Each area is worked out from its sites and persons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TypeVar

from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.cell import Cell
from aldea.indicators.duties import NOTHING, Duties
from aldea.indicators.evidence import Inputs, RecordLike, SiteHistory
from aldea.indicators.indicator import Indicator
from aldea.indicators.methods import Method
from aldea.indicators.periods import Period, noon_ms
from aldea.indicators.publishing import Place, published
from aldea.indicators.segments import Segment, segments_of
from aldea.indicators.terms import Evidence, Level, Setting
from aldea.indicators.values import Area, Figure, Value

CLOSE_DAYS = 10
"""So many days after its end a period is closed: late data then makes a new revision."""

DAY_MS = 86_400_000
LATE_DAYS = 31
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Scope:
    """What one row of figures is of; `setting` None for a single site."""

    area: Area
    programme: str
    setting: Setting | None


@dataclass(slots=True)
class _Gathered:
    segments: list[Segment] = field(default_factory=list)
    records: list[RecordLike] = field(default_factory=list)


def compute(
    inputs: Inputs,
    period: Period,
    *,
    simulated: bool,
    at_ms: int,
    close_days: int = CLOSE_DAYS,
    catalogue: Iterable[Indicator] = tuple(CATALOGUE.values()),
) -> list[Value]:
    """Return every value of a period as known at `at_ms`: all indicators, areas and programmes.

    Simulated and real sites are separate worlds: a call is for one of them. Provisional until `close_days` after
    the period's end.
    """
    entries = tuple(catalogue)
    sites = inputs.sites(simulated=simulated)
    if not sites:
        return []
    segments = _segments(inputs, sites, period, at_ms)
    records = _records(inputs, sites, period, entries)
    gathered = _gathered(segments, records)
    duties = Duties.of(inputs.programmes())
    end_ms = max(found[-1].end_ms for found in segments.values())
    is_open = at_ms < end_ms + close_days * DAY_MS
    at_day = datetime.fromtimestamp(at_ms / 1000, UTC).date()
    values: list[Value] = []
    for scope, found in sorted(
        gathered.items(), key=lambda item: (item[0].area, item[0].programme, str(item[0].setting))
    ):
        cell = Cell(period, scope.programme, found.segments, found.records, duties, at_day, is_open)
        if cell.active or found.records:
            values += _values(cell, scope, entries, simulated=simulated)
    return values


def _values(cell: Cell, scope: Scope, entries: Sequence[Indicator], *, simulated: bool) -> Iterator[Value]:
    setting = {"setting": Setting.URBAN.value} if scope.setting is Setting.URBAN else {}
    for entry in entries:
        for evidence, method, series in entry.series():
            place = Place(scope.area, cell.period, scope.programme, {**setting, **series}, simulated, cell.open)
            figure = method.figure(cell)
            if series and not figure.n:
                continue
            yield published(entry, evidence, method.factor, figure, place)
            if figure.n:
                yield from _split(cell, entry, evidence, method, place)


def _split(cell: Cell, entry: Indicator, evidence: Evidence, method: Method, place: Place) -> Iterator[Value]:
    """Yield the values of each sex, age and so on, one mark at a time, of those there are any of."""
    for mark, choices in entry.marks.items():
        for choice in choices:
            figure: Figure = method.figure(replace(cell, chosen=((mark, choice),)))
            if figure.n:
                disagg = {**place.disagg, mark: choice}
                yield published(entry, evidence, method.factor, figure, replace(place, disagg=disagg))


def _segments(inputs: Inputs, sites: Sequence[SiteHistory], period: Period, at_ms: int) -> dict[str, list[Segment]]:
    ids = [site.id for site in sites]
    first = min(period.months[0].span_ms(site.timezone)[0] for site in sites)
    last = max(period.months[-1].span_ms(site.timezone)[1] for site in sites)
    intervals = _by_site(inputs.intervals(ids, first, min(last, max(first, at_ms))), attrgetter("site"))
    usage = _by_site(inputs.usage_days(ids, period.first_day, period.last_day), attrgetter("site"))
    return {
        site.id: segments_of(
            site,
            period,
            at_ms,
            sorted(intervals.get(site.id, ()), key=attrgetter("start_ms")),
            usage.get(site.id, ()),
        )
        for site in sites
    }


def _records(
    inputs: Inputs, sites: Sequence[SiteHistory], period: Period, entries: Sequence[Indicator]
) -> list[RecordLike]:
    """Return the records that any method reads, each form as far back as the methods that read it look."""
    back: dict[str, int] = {NOTHING: 92}
    for entry in entries:
        for _, method, _ in entry.series():
            for form, days in method.reach.items():
                back[form] = max(days, back.get(form, 0))
    found: list[RecordLike] = []
    ids = [site.id for site in sites]
    for days in sorted(set(back.values())):
        forms = [form for form, reach in back.items() if reach == days]
        first, last = period.first_day - timedelta(days=days), period.last_day + timedelta(days=LATE_DAYS)
        found += inputs.records(forms, first, last, ids)
    return sorted(found, key=lambda record: (record.site, record.event_date))


def _by_site(items: Iterable[Item], site: Callable[[Item], str]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = {}
    for item in items:
        found.setdefault(site(item), []).append(item)
    return found


def _gathered(segments: Mapping[str, Sequence[Segment]], records: Sequence[RecordLike]) -> dict[Scope, _Gathered]:
    found: dict[Scope, _Gathered] = {}
    for stretches in segments.values():
        for segment in stretches:
            for scope in _scopes(segment, {"", *segment.programmes}):
                found.setdefault(scope, _Gathered()).segments.append(segment)
    for record in records:
        segment = _segment_at(segments[record.site], record)
        programmes = {record.programme} if record.programme else segment.programmes
        for scope in _scopes(segment, {"", *programmes}):
            found.setdefault(scope, _Gathered()).records.append(record)
    return found


def _scopes(segment: Segment, programmes: Iterable[str]) -> Iterator[Scope]:
    for programme in programmes:
        yield Scope(Area(Level.SITE, segment.site.id), programme, None)
        if segment.municipality is not None:
            yield Scope(Area(Level.MUNICIPALITY, segment.municipality), programme, segment.setting)
        if segment.state is not None:
            yield Scope(Area(Level.STATE, segment.state), programme, segment.setting)
        yield Scope(Area(Level.ALL), programme, segment.setting)


def _segment_at(stretches: Sequence[Segment], record: RecordLike) -> Segment:
    """Return the stretch that a record's day lies in; the first, or the last, for a day before or after them."""
    noon = noon_ms(record.event_date, stretches[0].site.timezone)
    return next((segment for segment in stretches if noon < segment.end_ms), stretches[-1])
