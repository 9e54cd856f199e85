"""Settings from afar as a state machine: what is kept, what is on trial, what became of the last. No I/O, no clock.

Every step is one value, which the keeper writes down whole, so that a power cut finds the step before or the one after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

MOST_STARTS = 3
"""A candidate that was started so often without a word from the collector is given up."""

LATE_MS = 120_000
"""An agent back on its settings before that is not heard within this time had no link either."""


class Words(NamedTuple):
    """A sentence for people, in English and in Spanish: it is read at the server and at the box."""

    en: str
    es: str

    @property
    def told(self) -> dict[str, str]:
        """The sentence as an answer has it."""
        return {"sentence": self.en, "sentence_es": self.es}


@dataclass(frozen=True, slots=True)
class Overlay:
    """Settings from afar: their revision (0: none yet) and their document, the `[agent]` table's keys."""

    revision: int = 0
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """An overlay that is being tried, and the command that brought it.

    `patience_ms` of time since boot are left to it in each boot from `since_ms` on, and `starts` counts how often the
    agent began with it. `answer` is what to tell of it, as far as it is known by now.
    """

    overlay: Overlay
    command: str
    patience_ms: int
    starts: int = 0
    boot_id: str = ""
    since_ms: int = 0
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a revision: `state` is `done` or `rolled_back`.

    `boot_id` and `at_ms` (time since boot) say when the agent went back. It is `final` once it is known whether the
    settings before were heard.
    """

    command: str
    revision: int
    state: str
    detail: Mapping[str, Any]
    final: bool = True
    boot_id: str = ""
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered."""

    kept: Overlay = field(default_factory=Overlay)
    trial: Trial | None = None
    outcome: Outcome | None = None

    @property
    def current(self) -> Overlay:
        """What the agent is to run with."""
        return self.kept if self.trial is None else self.trial.overlay


def proposed(state: State, trial: Trial) -> State:
    """Begin a trial. What became of the one before is overtaken."""
    return State(state.kept, trial, None)


def started(state: State, boot_id: str, mono_ms: int) -> State:
    """Count a start of the agent; a trial that has had its starts, or its time, is over."""
    trial = state.trial
    if trial is None:
        return state
    if trial.starts >= MOST_STARTS:
        why = Words(
            f"the agent was started {trial.starts} times with these settings and the server was not heard",
            f"el agente arrancó {trial.starts} veces con estos ajustes y no se oyó al servidor",
        )
        return rolled_back(state, why, boot_id, mono_ms)
    if is_over(trial, boot_id, mono_ms):
        return rolled_back(state, silent_for(trial), boot_id, mono_ms)
    # Time since boot begins anew with each boot, and so does the patience.
    since_ms = trial.since_ms if trial.boot_id == boot_id else mono_ms
    return replace(state, trial=replace(trial, starts=trial.starts + 1, boot_id=boot_id, since_ms=since_ms))


def is_over(trial: Trial, boot_id: str, mono_ms: int) -> bool:
    """Say whether a trial's time in this boot is over."""
    return trial.boot_id == boot_id and mono_ms - trial.since_ms >= trial.patience_ms


def silent_for(trial: Trial) -> Words:
    """Return why a trial whose time is over failed."""
    seconds = f"{trial.patience_ms / 1000:g}"
    return Words(
        f"the server was not heard within {seconds} seconds with these settings",
        f"con estos ajustes no se oyó al servidor en {seconds} segundos",
    )


def confirmed(state: State) -> State:
    """Keep what is on trial: the collector was heard."""
    trial = state.trial
    if trial is None:
        return state
    done = Outcome(trial.command, trial.overlay.revision, "done", trial.answer)
    return State(trial.overlay, None, done)


def rolled_back(state: State, why: Words, boot_id: str, mono_ms: int) -> State:
    """Go back to what was kept."""
    trial = state.trial
    if trial is None:
        return state
    says = Words(f"{why.en}; the settings before hold again", f"{why.es}; valen otra vez los ajustes anteriores")
    detail = {**trial.answer, **says.told, "runs": state.kept.revision}
    undone = Outcome(
        trial.command, trial.overlay.revision, "rolled_back", detail, final=False, boot_id=boot_id, at_ms=mono_ms
    )
    return State(state.kept, None, undone)


def heard(outcome: Outcome, boot_id: str, mono_ms: int) -> Outcome:
    """Return an outcome as it is told now that the server is heard: was it the settings or the link."""
    if outcome.final:
        return outcome
    waited_ms = mono_ms - outcome.at_ms if outcome.boot_id == boot_id else None
    link_was_down = waited_ms is None or waited_ms > LATE_MS
    detail = {**outcome.detail, "link_was_down": link_was_down}
    if link_was_down:
        for key, also in _no_link_either(waited_ms).told.items():
            detail[key] = f"{detail.get(key, '')}; {also}"
    return replace(outcome, detail=detail, final=True)


def _no_link_either(waited_ms: int | None) -> Words:
    if waited_ms is None:
        how_long = Words("before the machine started anew", "antes de que la máquina arrancara de nuevo")
    else:
        seconds = waited_ms // 1000
        how_long = Words(f"for {seconds} seconds either", f"por {seconds} segundos")
    return Words(
        f"with these the server was not heard {how_long.en}, so that the link may have been down and the new settings"
        " not at fault: send them again",
        f"con estos tampoco se oyó al servidor {how_long.es}: quizá no había enlace y la culpa no es de los ajustes"
        " nuevos; pueden enviarse otra vez",
    )
