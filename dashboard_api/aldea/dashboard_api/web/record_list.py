"""The page of records: what is owed this month, and what was entered last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import Request

from aldea.dashboard_api.access.scope import scopes_of, visible_sites
from aldea.dashboard_api.access.visitor import SiteScope, Visitor
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.record_intake import RECORD, covers, own_programmes
from aldea.dashboard_api.web.record_forms import new_token
from aldea.dashboard_api.web.record_words import REPORT_WORDS, form_texts, month_name, programme_name
from aldea.dashboard_api.web.returned_list import returned_rows
from aldea.dashboard_api.web.words import Language
from aldea.model.forms import load_forms
from aldea.model.forms.definition import in_language
from aldea.storage.register.people import find_person
from aldea.storage.register.programmes import list_programmes
from aldea.storage.register.records import Record, RecordFilter, cursor_of, list_records
from aldea.storage.register.register import Unit
from aldea.storage.register.reporting import Report, expected_reports, month_span
from aldea.storage.register.sites import find_site

PAGE = 25
SITES_A_PAGE = 6


@dataclass(frozen=True, slots=True)
class RecordWish:
    """What the page shall show. `month` is `YYYYMM`; `owed` '' is every report, `missing` those that lack."""

    month: str
    simulated: bool
    form: str = ""
    site: str = ""
    owed: str = ""
    page: int = 1
    after: str | None = None

    def address(self, **changes: Any) -> str:
        """Return the address of the page with some wishes changed."""
        said = {
            "month": self.month,
            "kind": "simulated" if self.simulated else "real",
            "form": self.form,
            "site": self.site,
            "owed": self.owed,
            **changes,
        }
        return "/records?" + urlencode({key: value for key, value in said.items() if value})


def visible_records(
    unit: Unit, visitor: Visitor, only: RecordFilter, now_ms: int, *, limit: int, after: str | None
) -> tuple[tuple[Record, ...], str | None]:
    """Return records that a visitor may see, last entered first, and the cursor for more; None: that was all."""
    sites = visible_sites(unit, visitor, now_ms, RECORD)
    wanted = RecordFilter(
        form=only.form,
        sites=_both(only.sites, sites),
        first_day=only.first_day,
        last_day=only.last_day,
        programmes=own_programmes(visitor),
        withdrawn=only.withdrawn,
        simulated=only.simulated,
    )
    scopes = {} if visitor.everywhere(RECORD) else scopes_of(unit, now_ms)
    nowhere = SiteScope(frozenset(), "")
    found: list[Record] = []
    while True:
        batch = list_records(unit, wanted, limit=limit + 1, after=after)
        found += [item for item in batch if covers(visitor, scopes.get(item.site, nowhere), item.programme)]
        if len(found) > limit or len(batch) <= limit:
            break
        after = cursor_of(batch[-1])
    more = cursor_of(found[limit - 1]) if len(found) > limit else None
    return tuple(found[:limit]), more


def _both(asked: Any, allowed: frozenset[str] | None) -> Any:
    if allowed is None:
        return asked
    return allowed if asked is None else allowed & set(asked)


def owed_reports(unit: Unit, visitor: Visitor, month: str, now_ms: int, *, simulated: bool) -> list[Report]:
    """Return what the sites and programmes of a visitor owe for a month."""
    sites = visible_sites(unit, visitor, now_ms, RECORD)
    scopes = {} if visitor.everywhere(RECORD) else scopes_of(unit, now_ms)
    nowhere = SiteScope(frozenset(), "")
    return [
        report
        for report in expected_reports(unit, month, sites=sites)
        if report.simulated == simulated and covers(visitor, scopes.get(report.site, nowhere), report.programme)
    ]


def record_list(aldea: Context, request: Request, visitor: Visitor, wish: RecordWish) -> dict[str, Any]:
    """Return what the page shows."""
    now = aldea.clock.wall_ms()
    language = aldea.pages.language(request).code
    shown = aldea.pages.shown(request, now)
    first, last = month_span(wish.month)
    with aldea.register.reading() as unit:
        reports = owed_reports(unit, visitor, wish.month, now, simulated=wish.simulated)
        only = RecordFilter(
            form=wish.form or None,
            sites=[wish.site] if wish.site else None,
            first_day=first,
            last_day=last,
            simulated=wish.simulated,
        )
        records, more = visible_records(unit, visitor, only, now, limit=PAGE, after=wish.after)
        names = {item.id: programme_name(item, language) for item in list_programmes(unit)}
        rows = [_row(unit, item, language, names) for item in records]
        returned = returned_rows(unit, visitor, now, simulated=wish.simulated, language=language, shown=shown)
    today = datetime.fromtimestamp(now / 1000, aldea.pages.zone).date()
    wanted = [item for item in reports if _fits(item, wish)]
    groups = _by_site(wanted, today, language, names)
    counts = {state: sum(item.state == state for item in reports) for state in ("received", "zero", "missing")}
    return {
        "wish": wish,
        "month_name": month_name(first, aldea.pages.language(request)),
        "months": _months(today, wish, aldea.pages.language(request)),
        "owed": groups[(wish.page - 1) * SITES_A_PAGE : wish.page * SITES_A_PAGE],
        "owed_before": wish.address(page=wish.page - 1) if wish.page > 1 else None,
        "owed_behind": wish.address(page=wish.page + 1) if len(groups) > wish.page * SITES_A_PAGE else None,
        "owes": bool(reports),
        "owing_sites": len({item.site for item in reports}),
        "counts": counts,
        "forms": [form_texts(item, language) for item in load_forms().values()],
        "records": [row | {"when": shown.moment(row["created_ms"], row["zone"])} for row in rows],
        "returned": returned,
        "report_words": REPORT_WORDS,
        "behind": wish.address(after=more) if more else None,
        "shown": shown,
        "token": new_token(),
    }


def _fits(report: Report, wish: RecordWish) -> bool:
    if wish.site and report.site != wish.site:
        return False
    return not wish.owed or report.state == "missing"


def _by_site(reports: list[Report], today: date, language: str, names: dict[str, str]) -> list[dict[str, Any]]:
    forms = load_forms()
    groups: dict[str, dict[str, Any]] = {}
    for report in reports:
        group = groups.setdefault(report.site, {"site": report.site, "name": report.site_name, "reports": []})
        late = report.state == "missing" and report.due_on < today
        definition = forms.get(report.form)
        group["reports"].append(
            {
                "report": report,
                "state": "late" if late else report.state,
                "title": report.form if definition is None else in_language(definition.title, language),
                "programme": names.get(report.programme, report.programme),
                "known": definition is not None,
            }
        )
    return list(groups.values())


def _row(unit: Unit, record: Record, language: str, names: dict[str, str]) -> dict[str, Any]:
    definition = load_forms().get(record.form)
    site = find_site(unit, record.site)
    person = find_person(unit, record.author) if record.author else None
    return {
        "record": record,
        "title": record.form if definition is None else in_language(definition.title, language),
        "site": record.site if site is None else site.name,
        "zone": ZoneInfo("UTC" if site is None else site.timezone),
        "programme": names.get(record.programme, record.programme),
        "author": record.author if person is None else person.label,
        "created_ms": record.created_ms,
    }


def _months(today: date, wish: RecordWish, language: Language) -> list[tuple[str, str, bool]]:
    """Return this month and the five before, newest first; the one asked for too."""
    months = []
    day = today.replace(day=1)
    for _ in range(6):
        months.append(day)
        day = (day - timedelta(days=1)).replace(day=1)
    asked = month_span(wish.month)[0]
    if asked not in months:
        months.append(asked)
    return [(f"{item:%Y%m}", month_name(item, language), item == asked) for item in months]
