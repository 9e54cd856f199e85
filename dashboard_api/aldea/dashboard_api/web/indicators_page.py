"""What the page of the four steps shows, and the page of one indicator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import Request

from aldea.dashboard_api.access.visitor import Visitor
from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.context import Context
from aldea.dashboard_api.web.indicator_chart import PeriodMark, drawn
from aldea.dashboard_api.web.indicator_places import parts_shown
from aldea.dashboard_api.web.indicator_words import STATUS_WORDS, STEP_WORDS, FigureShown, FigureWriter
from aldea.dashboard_api.web.indicators_choice import SERIES_MONTHS, Choice, PageQuery, choose
from aldea.indicators.catalogue import CATALOGUE
from aldea.indicators.indicator import Indicator
from aldea.indicators.terms import Level, Step
from aldea.storage.register.indicator_values import IndicatorValue

PART_WORDS: Mapping[str, str] = {
    "state": N_("By state"),
    "municipality": N_("By municipality"),
    "site": N_("By site"),
}
SORT_WORDS: Mapping[str, str] = {
    "name": N_("By name"),
    "value": N_("Highest first"),
    "coverage": N_("Least known first"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """An indicator with its figure."""

    id: str
    name: str
    definition: str
    address: str
    figure: FigureShown


@dataclass(frozen=True, slots=True)
class StepShown:
    """A step with its indicators."""

    key: str
    number: int
    name: str
    question: str
    items: Sequence[Item]


def four_steps(context: Context, request: Request, visitor: Visitor, asked: PageQuery) -> dict[str, Any]:
    """Return the values of the page of the four steps."""
    writer = _writer(context, request)
    with context.register.reading() as unit:
        choice = choose(context, unit, visitor, asked)
        found = choice.reader.together(choice.wanted, [choice.wanted.period])
        frame = _frame(choice, writer)
    steps = [
        StepShown(
            key=step.value,
            number=number,
            name=words[0],
            question=words[1],
            items=[_item(entry, found[entry.id], choice, writer) for entry in CATALOGUE.values() if entry.step is step],
        )
        for number, (step, words) in enumerate(STEP_WORDS.items(), 1)
    ]
    return {**frame, "steps": steps, "nothing": not any(found.values())}


def one_indicator(
    context: Context, request: Request, visitor: Visitor, entry: Indicator, asked: PageQuery
) -> dict[str, Any]:
    """Return the values of an indicator's page."""
    writer = _writer(context, request)
    code = context.pages.language(request).code
    with context.register.reading() as unit:
        choice = choose(context, unit, visitor, asked)
        months = [one for one in sorted(choice.periods) if one.isdigit() and len(one) == 6][-SERIES_MONTHS:]
        asked_for = sorted({*months, choice.wanted.period})
        series = {row.period: row for row in choice.reader.rows(entry, replace(choice.wanted, period=""), asked_for)}
        whole = series.get(choice.wanted.period)
        parts = parts_shown(entry, choice, writer, asked.page)
        frame = _frame(choice, writer)
    return {
        **frame,
        "entry": entry,
        "words": {name: getattr(entry, name).said(code) for name in ("name", "definition", "formula", "source")},
        "step": STEP_WORDS[entry.step],
        "number": list(Step).index(entry.step) + 1,
        "figure": writer.figure(entry, whole),
        "revision": whole,
        "chart": drawn(entry, [PeriodMark(one, series.get(one)) for one in months], writer),
        "parts": parts,
        "by": choice.by.value,
        "limits": [writer.count(limit) for limit in _limits(entry)],
        "level_tabs": _tabs(choice, entry, writer, "by", PART_WORDS, choice.by.value),
        "sort_tabs": _tabs(choice, entry, writer, "sort", SORT_WORDS, choice.sort),
    }


def _limits(entry: Indicator) -> Sequence[float]:
    return () if entry.threshold is None else (entry.threshold.good, entry.threshold.fair)


def _tabs(
    choice: Choice, entry: Indicator, writer: FigureWriter, name: str, words: Mapping[str, str], chosen: str
) -> list[tuple[str, str, bool]]:
    """Return (address, text, whether it is chosen) of each choice of one parameter."""
    kept = {"by": choice.by.value, "sort": choice.sort}
    path = f"/indicators/{entry.id}"
    return [
        (choice.address(path, **{**kept, name: value}), writer.say(word), value == chosen)
        for value, word in words.items()
    ]


def _item(entry: Indicator, rows: Sequence[IndicatorValue], choice: Choice, writer: FigureWriter) -> Item:
    code = writer.code
    return Item(
        entry.id,
        entry.name.said(code),
        entry.definition.said(code),
        choice.address(f"/indicators/{entry.id}"),
        writer.figure(entry, rows[0] if rows else None),
    )


def _writer(context: Context, request: Request) -> FigureWriter:
    return FigureWriter(context.pages.shown(request, context.clock.wall_ms()), context.pages.language(request))


def _frame(choice: Choice, writer: FigureWriter) -> dict[str, Any]:
    wanted = choice.wanted
    code = wanted.code or "all"
    return {
        "choice": choice,
        "wanted": wanted,
        "period_name": writer.period(wanted.period),
        "period_names": [(one, writer.period(one)) for one in choice.periods],
        "area_name": None if wanted.level is Level.ALL else choice.name(wanted.level.value, code),
        "areas": choice.areas,
        "municipalities": choice.municipalities,
        "has_urban": choice.has_urban,
        "real_count": choice.counts[0],
        "simulated_count": choice.counts[1],
        "legend": [(writer.say(word), pill, writer.say(reason)) for word, pill, reason in STATUS_WORDS.values()],
    }
