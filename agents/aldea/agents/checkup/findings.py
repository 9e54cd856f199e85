"""What a check came to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aldea.agents.page.words import Words


class State(StrEnum):
    """`not_reached`: it cannot work while something before it is wrong. `running`: not known yet."""

    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "unknown"
    NOT_REACHED = "not_reached"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, how it stands, what is (wrong), what to do about it, and what to bring."""

    key: str
    title: Words
    state: State
    what: Words
    do: tuple[Words, ...] = ()
    bring: Words | None = None


def first_wrong(findings: Iterable[Finding]) -> Finding | None:
    """Return what a person should check first, None when nothing is wrong."""
    return next((item for item in findings if item.state is State.WRONG), None)


def as_plain(findings: Sequence[Finding], languages: Sequence[str]) -> list[dict[str, object]]:
    """Return findings as data for JSON, their sentences in each of `languages`; of those in order little is said."""
    plain: list[dict[str, object]] = []
    for item in findings:
        told = {} if item.state is State.OK else {f"what_{code}": item.what.in_(code) for code in languages}
        plain.append({"key": item.key, "state": item.state.value, **told})
    return plain
