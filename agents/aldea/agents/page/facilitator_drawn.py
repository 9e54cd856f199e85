"""A facilitator's form as a page: its fields, the grid, the names to tick, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import bottle

from aldea.agents.page.asking import asked
from aldea.agents.page.facilitator_faults import as_shown, said
from aldea.agents.page.facilitator_filled import (
    PEOPLE,
    TALLY,
    Filled,
    asks_for,
    recorded_ticks,
    short_group,
)
from aldea.agents.page.facilitator_people import (
    CORRECTED_ON_A_PAGE,
    ON_A_PAGE,
    found_by,
    on_page,
    page_of,
    people_to_tick,
)
from aldea.agents.page.facilitator_words import REFUSALS, SEX_WORDS, initial, title_of
from aldea.agents.page.rendering import language_of, render
from aldea.agents.page.times import local, zone_of
from aldea.agents.page.view import BoxView
from aldea.agents.records import Desk
from aldea.agents.records.roster import AGE_BANDS, SEXES
from aldea.model.forms import Cell, Fault, Group, Moment, laid_out
from aldea.model.forms.definition import in_language

# Where nothing vouches for the time, no day can be said to be still to come.
_ANY_DAY = datetime(9998, 12, 31)  # noqa: DTZ001 - a site's local time
_DATED = frozenset({"date", "local_time", "month"})


def local_now(view: BoxView) -> datetime | None:
    """Return the site's local time, None where nothing vouches for it."""
    known_ms = view.known_ms()
    return None if known_ms is None else local(known_ms, zone_of(view.settings)).replace(tzinfo=None)


def moment_of(view: BoxView, desk: Desk, programme: str) -> Moment:
    """Return the moment at which forms are checked here; the server checks them again at its own."""
    now = local_now(view) or _ANY_DAY
    dates = desk.programmes.dates_of(programme) if programme else None
    return Moment(now) if dates is None else Moment(now, dates.starts_on, dates.ends_on)


def form_page(
    view: BoxView,
    desk: Desk,
    filled: Filled,
    faults: Sequence[Fault] = (),
    refusal: str = "",
    more_rows: int | None = None,
    *,
    is_kept: bool = True,
) -> str:
    """Return the page of a form, with what was filled in and a sentence for each mistake.

    `is_kept` False: the disk has not taken what was filled in, and the page itself carries the ticks it does not show.
    """
    language = language_of(bottle.request)
    definition = filled.definition
    faults = as_shown(faults, filled)
    told = [(fault.path, said(fault, filled, language)) for fault in faults]
    parts = _parts(filled, faults, language, more_rows)
    return render(
        bottle.request,
        "facilitator_form.html",
        title=title_of(definition, definition.id, language),
        help=in_language(definition.help, language),
        privacy=in_language(definition.privacy, language),
        filled=filled,
        parts_of=parts,
        errors=[text for _, text in told],
        refusal=REFUSALS.get(refusal),
        no_reason=REFUSALS[refusal] if refusal == "no_reason" else None,
        wrong=dict(told),
        counts={(row["sex"], row["age_band"]): row["count"] for row in filled.typed.get(TALLY) or () if "count" in row},
        sexes=[(sex, SEX_WORDS[sex]) for sex in SEXES],
        sex_words=SEX_WORDS,
        initial=initial,
        bands=AGE_BANDS,
        programmes=view.settings.page.programmes,
        machine_zone=_machine_zone(view, parts),
        enter=_entered(filled, parts),
        **_people(desk, filled, is_kept=is_kept),
    )


def _entered(filled: Filled, parts: Sequence[tuple[str, Cell | Group]]) -> str:
    """Return what the Enter key of a form does: store it, or show it again where there are lists to be gone through."""
    kinds = {kind for kind, _ in parts}
    has_list = "rows" in kinds or (PEOPLE in kinds and (filled.way != "tally" or bool(filled.ticked)))
    return "page:1" if has_list else "store"


def _parts(
    filled: Filled, faults: Sequence[Fault], language: str, more_rows: int | None
) -> list[tuple[str, Cell | Group]]:
    parts: list[tuple[str, Cell | Group]] = []
    for part in laid_out(filled.definition, filled.typed, faults, language, more_rows=more_rows):
        if isinstance(part, Group) and asks_for(filled.definition, part.name) and part.name in {PEOPLE, TALLY}:
            parts.append((part.name, part))
        elif isinstance(part, Group):
            parts.append(("rows", short_group(part, more_rows)))
        else:
            parts.append(("field", part))
    return parts


def _people(desk: Desk, filled: Filled, *, is_kept: bool) -> dict[str, Any]:
    """Return who can be ticked on this page, and which page of how many it is."""
    if not asks_for(filled.definition, PEOPLE):
        nobody = {"people": [], "pager": page_of((), 1), "shown": "", "carried": []}
        return {**nobody, "ticked_in_all": 0, "elsewhere": 0, "on_roster": 0, "some_left": False}
    recorded = recorded_ticks(desk, filled.record)
    everybody = people_to_tick(desk, filled.ticked, recorded, left_too=bool(filled.find))
    found = [tick for tick in everybody if found_by(tick.name, tick.code, filled.find)]
    size = CORRECTED_ON_A_PAGE if filled.record else ON_A_PAGE
    pager = page_of([tick.name for tick in found], asked(bottle.request, "page"), size)
    people = on_page(found, pager)
    return {
        "people": people,
        "pager": pager,
        "shown": " ".join(tick.code for tick in (people if is_kept else everybody)),
        "carried": [] if is_kept else [tick.value for tick in everybody if tick.ticked and tick not in people],
        "ticked_in_all": sum(tick.ticked for tick in everybody),
        "elsewhere": sum(tick.ticked for tick in everybody if tick not in people) if is_kept else 0,
        "on_roster": len(everybody),
        "some_left": any(person.gone for person in desk.roster.people(gone=True)),
    }


def _machine_zone(view: BoxView, parts: Sequence[tuple[str, Cell | Group]]) -> str:
    """Return the machine's own zone where days are entered and the site's is not known; else nothing."""
    is_dated = any(isinstance(part, Cell) and part.widget in _DATED for _, part in parts)
    if not is_dated or zone_of(view.settings) is not None:
        return ""
    now = local(view.known_ms() or view.clock.wall_ms(), None)
    return f"UTC{now:%z}"
