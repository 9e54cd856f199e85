"""What the page of a site shows of settled truth: the strip, the figures, intervals, incidents and maintenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from aldea.dashboard_api.access.scope import visible_sites
from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.incident_view import sites_of, told_of
from aldea.dashboard_api.maintenance_view import DAY_MS
from aldea.dashboard_api.site_view import SiteView
from aldea.dashboard_api.truth_view import Truth, read_truth
from aldea.dashboard_api.web.cause_words import cause_text, evidence_sentences
from aldea.dashboard_api.web.incident_list import RowWriter
from aldea.dashboard_api.web.shown import Shown
from aldea.dashboard_api.web.strip import STATES, TRUTH_WORDS, stretches, strip
from aldea.model.truth import Interval, TruthState
from aldea.storage.register.incidents import Incident, incidents_between, open_incidents
from aldea.storage.register.maintenance import Maintenance, maintenance_between
from aldea.storage.register.people import list_people
from aldea.storage.register.register import Unit

SHORTEST_MS = DAY_MS
"""An hour of intervals says little: the shortest strip is a day."""
INTERVALS_SHOWN = 60
INCIDENTS_SHOWN = 10

STATUS_WORDS = {
    "A": N_("Enough is known of this time."),
    "U": N_("Less than 80 % of this time is known: use the figures with care."),
    "O": N_("Less than half of this time is known: there is no figure, only its bounds."),
}


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One interval in words."""

    state: str
    word: str
    cause: str
    sentences: Sequence[str]
    start_ms: int
    start: str
    length: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of availability: its name, its value, and what it rests on."""

    label: str
    value: str
    note: str


def site_truth(
    context: Context, visitor: Visitor, view: SiteView, span_ms: int, shown: Shown, zone: ZoneInfo
) -> dict[str, Any]:
    """Return the values of the template's part about truth, over the span of the charts but at least a day."""
    now = context.clock.wall_ms()
    site = view.overview.site
    start = now - max(span_ms, SHORTEST_MS)
    with context.register.reading() as unit:
        truth = read_truth(unit, site.id, start, now)
        incidents = _incidents(unit, site.id, now)
        ahead = maintenance_between(unit, now, now + 60 * DAY_MS)
        people = {person.id: person.label for person in list_people(unit)}
        visible = visible_sites(unit, visitor, now)
    drawn = stretches(truth.intervals, truth.settled_ms, view.state, view.overview.last_arrival_ms, (start, now))
    told = [one for one in reversed(truth.intervals) if one.state is not TruthState.UP]
    writer = RowWriter(shown, zone, {site.id: site}, people)
    return {
        "strip_drawn": strip(drawn, shown),
        "strip_words": [(state, shown.say(TRUTH_WORDS[state])) for state in STATES],
        "strip_from": shown.moment(start, zone),
        "truth": truth,
        "truth_status": shown.say(STATUS_WORDS[truth.status]),
        "truth_settled": shown.exact(truth.settled_ms, zone),
        "figures": _figures(truth, shown),
        "intervals": [_row(one, truth.settled_ms, shown, zone, visible) for one in told[:INTERVALS_SHOWN]],
        "more_intervals": max(0, len(told) - INTERVALS_SHOWN),
        "incidents": [writer.row(one) for one in incidents],
        "windows": [
            (shown.minute(one.from_ms, zone), shown.minute(one.to_ms, zone), one)
            for one in ahead
            if _applies(one, view)
        ],
    }


def _incidents(unit: Unit, site: str, now: int) -> list[Incident]:
    """Return the site's incidents of the last month and the groups it is in now, open ones first."""
    own = incidents_between(unit, [site], now - 30 * DAY_MS, now + 1)
    shared = [one for one in open_incidents(unit, shared=True) if site in sites_of(one)]
    found = sorted((*own, *shared), key=lambda one: (one.resolved_ms is not None, -one.opened_ms))
    return found[:INCIDENTS_SHOWN]


def _applies(one: Maintenance, view: SiteView) -> bool:
    facts, site = view.overview.facts, view.overview.site
    programmes = [str(name) for name in facts.get("programme", ())]
    region = facts.get("state_name")
    return one.applies_to(site.id, programmes, None if region is None else str(region), simulated=site.simulated)


def _figures(truth: Truth, shown: Shown) -> list[Figure]:
    sums, bounds = truth.durations, truth.durations.bounds
    between = shown.say(N_("Too little of this time is known yet"))
    if bounds is not None:
        text = shown.say(N_("between %(low)s and %(high)s, whatever the unknown time was"))
        between = text % {"low": shown.percent(bounds.low), "high": shown.percent(bounds.high)}
    down = shown.say(N_("%(length)s down")) % {"length": shown.length(sums.down_ms)}
    planned = shown.say(N_("%(length)s planned maintenance")) % {"length": shown.length(sums.planned_ms)}
    unknown = shown.say(N_("%(length)s not known")) % {"length": shown.length(sums.unknown_ms)}
    return [
        Figure(shown.say(N_("Service availability")), shown.percent(truth.service_ratio), between),
        Figure(shown.say(N_("As the village lived it")), shown.percent(truth.experienced_ratio), f"{down}, {planned}"),
        Figure(shown.say(N_("Time that is known")), shown.percent(sums.coverage_ratio), unknown),
    ]


def _row(
    one: Interval, settled_ms: int | None, shown: Shown, zone: ZoneInfo, visible: frozenset[str] | None
) -> IntervalRow:
    caused = one.state is TruthState.DOWN or one.cause is not None
    return IntervalRow(
        one.state.value,
        shown.say(TRUTH_WORDS[one.state.value]),
        cause_text(one.cause, shown) if caused and one.state is not TruthState.PLANNED else "",
        evidence_sentences(told_of(one.evidence, visible), shown),
        one.start_ms,
        shown.moment(one.start_ms, zone),
        shown.length(one.end_ms - one.start_ms),
        settled_ms is None or one.end_ms > settled_ms,
    )
