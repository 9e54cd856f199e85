"""A judge's answer about one piece of evidence."""

from __future__ import annotations

from dataclasses import dataclass

from aldea.agents.checkup.findings import State
from aldea.agents.page.words import Words


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it stands, a sentence, what to do (in order), and what to bring.

    `here`: it was seen on the box itself, so that nothing before it can be the reason.
    """

    state: State
    what: Words
    do: tuple[Words, ...] = ()
    bring: Words | None = None
    here: bool = False


def ok(what: Words) -> Verdict:
    """Return that it is as it should be."""
    return Verdict(State.OK, what)


def unknown(what: Words, *do: Words) -> Verdict:
    """Return that nobody can say from here."""
    return Verdict(State.UNKNOWN, what, do)


def wrong(what: Words, *do: Words, bring: Words | None = None, here: bool = False) -> Verdict:
    """Return that it is not as it should be."""
    return Verdict(State.WRONG, what, do, bring, here)
