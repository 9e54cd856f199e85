"""Daily counts of devices out of the agent's own counting, cut in the site's zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from aldea.collector.settling.places import commissioned, primary_spans
from aldea.model.series import Query
from aldea.model.truth.overlay import local_ms, opening_spans
from aldea.model.truth.slots import DAY_MS
from aldea.storage.register.usage_days import Status, UsageDay

if TYPE_CHECKING:
    from aldea.model.series import Series, SeriesStore
    from aldea.model.truth import SiteRules
    from aldea.storage.register.settling import Place

OPEN_AFTER_MS = 2 * 60 * 60 * 1000
GOOD_RATIO = 0.8
ENOUGH_RATIO = 0.5
ROUND_MS = 15 * 60 * 1000
"""How far from its day a count may be written down: a round takes its time."""
_FIELDS = ("unique_today", "covered_seconds", "restarted", "day")


@dataclass(slots=True)
class _Count:
    unique: int = -1
    covered_seconds: float = 0.0
    restarted: bool = False


def usage_days(
    store: SeriesStore, place: Place, rules: SiteRules, days: Sequence[int], now_ms: int, positions: Mapping[str, int]
) -> list[tuple[UsageDay, bool]]:
    """Return the local days that these UTC days touch and that are over, each with whether it is still open.

    A day without any row is left out, unless the box says that it can't see who is connected.
    """
    zone = ZoneInfo(place.timezone)
    wanted = sorted({day for utc in days for day in _local_days(utc, zone)})
    wanted = [day for day in wanted if _bounds(day, zone)[1] <= now_ms and _is_expected(place, *_bounds(day, zone))]
    if not wanted:
        return []
    counts = _counts(store, place, zone, wanted)
    found: list[tuple[UsageDay, bool]] = []
    for day in wanted:
        start, end = _bounds(day, zone)
        item = _usage_day(place, rules, day, counts.get(day), (start, end))
        if item is not None:
            found.append((_stamped(item, now_ms, positions), now_ms < end + OPEN_AFTER_MS))
    return found


def _stamped(item: UsageDay, now_ms: int, positions: Mapping[str, int]) -> UsageDay:
    return UsageDay(
        item.site,
        item.day,
        item.unique_devices,
        item.covered_ratio,
        item.status,
        computed_ms=now_ms,
        positions=positions,
    )


def _usage_day(
    place: Place, rules: SiteRules, day: date, count: _Count | None, bounds: tuple[int, int]
) -> UsageDay | None:
    if count is None or count.unique < 0:
        blind = [place.sees.get(device, {}).get("clients") is False for device in _devices(place, bounds)]
        return UsageDay(place.site, day, None, None, "L") if blind and all(blind) else None
    open_ms = sum(high - low for low, high in opening_spans(rules, *bounds))
    ratio = min(count.covered_seconds * 1000 / (open_ms or bounds[1] - bounds[0]), 1.0)
    status: Status = "A"
    if ratio < ENOUGH_RATIO:
        status = "O"
    elif ratio < GOOD_RATIO or count.restarted:
        status = "U"
    return UsageDay(place.site, day, None if status == "O" else count.unique, round(ratio, 6), status)


def _counts(store: SeriesStore, place: Place, zone: ZoneInfo, days: Sequence[date]) -> dict[date, _Count]:
    start, end = _bounds(days[0], zone)[0], _bounds(days[-1], zone)[1] + OPEN_AFTER_MS
    found: dict[date, _Count] = {}
    for device in _devices(place, (start, end)):
        columns = {
            field: {
                series.tags: _by_time(series)
                for series in store.read(Query(place.site, "clients", field, start, end, device=device))
            }
            for field in _FIELDS
        }
        for tags, uniques in columns["unique_today"].items():
            for at_ms, unique in uniques.items():
                told = _parsed(columns["day"].get(tags, {}).get(at_ms))
                wrong = told is not None and not _is_about(told, at_ms, zone)
                day = datetime.fromtimestamp(at_ms / 1000, zone).date() if told is None or wrong else told
                count = found.setdefault(day, _Count())
                # A box whose clock was wrong did not begin to count at midnight.
                count.restarted |= wrong
                count.unique = max(count.unique, int(float(unique)))
                covered = columns["covered_seconds"].get(tags, {}).get(at_ms, 0)
                count.covered_seconds = max(count.covered_seconds, float(covered))
                count.restarted |= bool(columns["restarted"].get(tags, {}).get(at_ms, 0))
    return found


def _by_time(series: Series) -> dict[int, float | str]:
    values: Sequence[float | str] = series.values if isinstance(series.values, list) else series.values.tolist()
    return dict(zip(series.times_ms.tolist(), values, strict=True))


def _is_about(day: date, at_ms: int, zone: ZoneInfo) -> bool:
    start, end = _bounds(day, zone)
    return start - ROUND_MS <= at_ms < end + ROUND_MS


def _parsed(text: float | str | None) -> date | None:
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _local_days(utc_day: int, zone: ZoneInfo) -> list[date]:
    edges = (utc_day * DAY_MS, (utc_day + 1) * DAY_MS - 1)
    return [datetime.fromtimestamp(at / 1000, zone).date() for at in edges]


def _bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    return local_ms(day, time(0), zone), local_ms(day + timedelta(days=1), time(0), zone)


def _is_expected(place: Place, start_ms: int, end_ms: int) -> bool:
    return any(low < end_ms and high > start_ms for low, high in commissioned(place))


def _devices(place: Place, bounds: tuple[int, int]) -> list[str]:
    found = (device for device, (low, high) in primary_spans(place) if low < bounds[1] and high > bounds[0])
    return list(dict.fromkeys(found))
