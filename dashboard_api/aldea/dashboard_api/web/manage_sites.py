"""Sites as they are managed: a list, and a form that says what holds from which day."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from aldea.dashboard_api.access.permissions import Permission
from aldea.dashboard_api.access.scope import can_write
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.problems import Problem
from aldea.dashboard_api.web.manage_words import LABELS
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.words import said
from aldea.storage.importing.applying import apply_plan
from aldea.storage.importing.columns import COLUMNS
from aldea.storage.importing.plan import Plan, Wish, day_start, make_plan
from aldea.storage.importing.rows import OFF_WHEN_CLOSED, SEVERAL
from aldea.storage.importing.tables import Line, Table
from aldea.storage.importing.values import written_hours
from aldea.storage.register.audit import audit
from aldea.storage.register.facts import end_fact, facts_at
from aldea.storage.register.register import Unit
from aldea.storage.register.sites import Site, find_site

_WORD = re.compile(r"\w+")

ENDABLE = {
    column.key: {"state": "state_name", "contracted_volume_gb": "contracted_volume_bytes"}.get(column.key, column.key)
    for column in COLUMNS
    if column.key not in {"id", "name", "timezone", "latitude", "longitude", "commissioned"}
}
"""Column → the fact that ends when the column is emptied."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One input of the form."""

    key: str
    label: str
    value: str
    hint: str
    error: str
    required: bool


def managed_site(unit: Unit, visitor: Visitor, site_id: str, at_ms: int) -> Site:
    """Return a site that the visitor may manage. Raises Problem (404) for any other."""
    found = find_site(unit, site_id)
    if found is None or found.simulated or not can_write(unit, visitor, Permission.MANAGE_SITES, site_id, at_ms):
        raise Problem(404, said("There is no site %(site)s here that you may manage.", site=repr(site_id[:60])))
    return found


def entries(shown: Shown, typed: Mapping[str, str], errors: Mapping[str, str], *, is_new: bool) -> list[Entry]:
    """Return the form's inputs with what was typed and what is wrong with it."""
    return [
        Entry(
            column.key,
            shown.say(LABELS[column.key]),
            typed.get(column.key, ""),
            _hint(shown.say(LABELS[column.key]), column.help_es if shown.code == "es" else column.help_en),
            errors.get(column.key, ""),
            column.required,
        )
        for column in COLUMNS
        if is_new or column.key not in {"id", "commissioned"}
    ]


def _hint(label: str, text: str) -> str:
    """Return what helps with an input; nothing where it says no more than the label above it."""
    return text if set(_WORD.findall(text.lower())) - set(_WORD.findall(label.lower())) else ""


def typed_of(unit: Unit, site: Site, at_ms: int) -> dict[str, str]:
    """Return what holds for a site, as it would be typed."""
    typed = {"id": site.id, "name": site.name, "timezone": site.timezone}
    if site.latitude is not None and site.longitude is not None:
        typed |= {"latitude": f"{site.latitude:.6g}", "longitude": f"{site.longitude:.6g}"}
    facts: dict[str, Any] = {}
    for fact in facts_at(unit, site.id, at_ms):
        facts[fact.fact] = [*facts.get(fact.fact, []), fact.value] if fact.fact in SEVERAL else fact.value
    for key, name in ENDABLE.items():
        if name in facts:
            typed[key] = _typed(key, facts[name])
    return typed


def faults_of(
    unit: Unit, typed: Mapping[str, str], from_day: date | None, now_ms: int, shown: Shown
) -> tuple[dict[str, str], Plan]:
    """Return what is wrong with a site as typed, by input, and what would become of it. No day: today, at the site."""
    cells = {key: text.strip() for key, text in typed.items()}
    table = Table(tuple(cells), (Line(1, tuple(cells.values())),))
    plan = make_plan(unit, table, Wish(from_day=from_day), now_ms)
    errors: dict[str, str] = {}
    for fault in plan.refused[0].faults if plan.refused else ():
        label = shown.say(LABELS.get(fault.column, fault.column)) if fault.column else ""
        sentence = shown.say(fault.text) % dict(fault.values)
        errors.setdefault(fault.column or "latitude", f"{label} {sentence}".strip())
    return errors, plan


def save(
    unit: Unit, visitor: Visitor, typed: Mapping[str, str], from_day: date | None, now_ms: int, shown: Shown
) -> dict[str, str]:
    """Add or change a site as typed, from a day on; return what is wrong by input, having changed nothing then.

    No day: today, at the site. A server's own day would be tomorrow's in a village for a part of each evening.
    """
    errors, plan = faults_of(unit, typed, from_day, now_ms, shown)
    if errors:
        return errors
    cells = {key: text.strip() for key, text in typed.items()}
    site_id = cells["id"]
    known = find_site(unit, site_id)
    ended = [] if known is None else _end_emptied(unit, known, cells, from_day or today(known.timezone, now_ms))
    apply_plan(unit, plan.good, now_ms)
    if plan.good or ended:
        what = "site_added" if plan.added else "site_changed"
        changed = [change.key for item in plan.good for change in item.changes]
        day = from_day or today(_zone_of(unit, site_id), now_ms)
        audit(unit, visitor.person, what, site_id, {"from": day.isoformat(), "facts": [*changed, *ended]}, now_ms)
    return {}


def _zone_of(unit: Unit, site_id: str) -> str:
    found = find_site(unit, site_id)
    return "UTC" if found is None else found.timezone


def today(site_zone: str, now_ms: int) -> date:
    """Return the day it is at a site."""
    return datetime.fromtimestamp(now_ms / 1000, ZoneInfo(site_zone)).date()


def read_day(text: str, otherwise: date) -> date | None:
    """Return the day that was typed, `otherwise` for nothing, None for what is no day."""
    try:
        return date.fromisoformat(text) if text.strip() else otherwise
    except ValueError:
        return None


def _end_emptied(unit: Unit, site: Site, cells: Mapping[str, str], from_day: date) -> Sequence[str]:
    from_ms = day_start(from_day, site.timezone)
    held = {(fact.fact, fact.item) for fact in facts_at(unit, site.id, from_ms)}
    emptied = [name for key, name in ENDABLE.items() if key in cells and not cells[key]]
    ended = [pair for pair in held if pair[0] in emptied]
    for fact, item in ended:
        end_fact(unit, site.id, fact, from_ms, item=item)
    return sorted({fact for fact, _ in ended})


def _typed(key: str, value: Any) -> str:
    if key == "opening_hours":
        return written_hours(value)
    if key == "contracted_volume_gb":
        return f"{value / 1e9:.10g}"
    if key == "silence_means":
        return "yes" if value == OFF_WHEN_CLOSED else ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "; ".join(map(str, value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)
