"""The moment at which a site's record is checked, and the programme that it is for."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from aldea.model.forms import Moment
from aldea.storage.register.facts import fact_history
from aldea.storage.register.programmes import FACT, Programme, find_programme
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, SiteState, state_history

NO_PROGRAMME = ""


def moment_at(unit: Unit, site: Site, programme: str, now_ms: int) -> Moment:
    """Return the site's local time, and the first day that a record of it may speak of."""
    zone = ZoneInfo(site.timezone)
    began = [span.valid_from_ms for span in state_history(unit, site.id) if span.state is SiteState.COMMISSIONED]
    first = _local(min(began, default=site.created_at_ms), zone).date()
    found = find_programme(unit, programme) if programme else None
    now = _local(now_ms, zone).replace(tzinfo=None)
    return Moment(now, first) if found is None else Moment(now, max(first, found.starts_on), found.ends_on)


def programmes_of(unit: Unit, site_id: str) -> frozenset[str]:
    """Return the programmes that a site is or was ever in."""
    return frozenset(str(fact.value) for fact in fact_history(unit, site_id, FACT))


def only_programme(unit: Unit, site: Site, day: date) -> str:
    """Return the one programme that a site was in on a local day; '' where there was none, or more than one.

    A programme whose own dates do not hold that day is none of them.
    """
    zone = ZoneInfo(site.timezone)
    noon_ms = round(datetime(day.year, day.month, day.day, 12, tzinfo=zone).timestamp() * 1000)
    then = {
        str(fact.value)
        for fact in fact_history(unit, site.id, FACT)
        if fact.valid_from_ms <= noon_ms and (fact.valid_to_ms is None or noon_ms < fact.valid_to_ms)
    }
    then -= {name for name in then if not _goes_on(find_programme(unit, name), day)}
    return then.pop() if len(then) == 1 else NO_PROGRAMME


def _goes_on(found: Programme | None, day: date) -> bool:
    return found is None or (found.starts_on <= day and (found.ends_on is None or day <= found.ends_on))


def _local(ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone)
