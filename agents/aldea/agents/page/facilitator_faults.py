"""What is wrong with a facilitator's form, as its page says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from aldea.agents.page.facilitator_filled import PEOPLE, TALLY, Filled, asks_for, told_by_group
from aldea.agents.page.times import day_said
from aldea.agents.page.words import Words, say
from aldea.agents.page_settings import LANGUAGES
from aldea.model.forms import Fault, sentence

NOBODY = say(
    "Nobody is ticked or counted yet: tick names, or write how many people came. If there was nothing today: Records,"
    " “Nothing happened today”."
)
_ABOUT_DAYS = frozenset({"in_future", "too_early", "too_late", "before_other"})


def as_shown(faults: Sequence[Fault], filled: Filled) -> list[Fault]:
    """Return the faults at the places that the page has, with days as its pages write them."""
    definition = filled.definition
    if asks_for(definition, TALLY):
        faults = told_by_group(faults, filled.typed.get(TALLY) or ())
    shows_names = filled.way != "tally" or bool(filled.ticked)
    return [_with_days(_at_the_grid(fault, shows_names=shows_names)) for fault in faults]


def said(fault: Fault, filled: Filled, language: str) -> str:
    """Return the sentence for one fault: of who came, in the page's own words."""
    if fault.path in {PEOPLE, TALLY} and asks_for(filled.definition, fault.path):
        if fault.code == "none_of":
            return NOBODY.in_(language)
        if fault.code == "too_many_rows":
            return _too_many(len(filled.ticked), str(fault.words["limit"])).in_(language)
    return sentence(fault, language)


def _too_many(ticked: int, most: str) -> Words:
    return say(
        "%(n)d people are ticked, and one record takes %(most)s: store two records, each with a part of them.",
        n=ticked,
        most=most,
    )


def _at_the_grid(fault: Fault, *, shows_names: bool) -> Fault:
    """Return a fault that is of the names at the grid, where no names are shown."""
    is_moved = fault.code == "none_of" and fault.path == PEOPLE and not shows_names
    return replace(fault, path=TALLY) if is_moved else fault


def _with_days(fault: Fault) -> Fault:
    if fault.code not in _ABOUT_DAYS:
        return fault
    return replace(fault, words={name: _day(word) for name, word in fault.words.items()})


def _day(word: str | Mapping[str, str]) -> str | Mapping[str, str]:
    if not isinstance(word, str):
        return word
    text = word.replace(" ", "T")
    told = {code: day_said(text, code) for code in LANGUAGES}
    return word if text in told.values() else told
