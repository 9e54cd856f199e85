"""Settings from afar as a state machine: what is kept, what is on trial, what became of the last. No I/O, no clock.

Every step is one value, which the keeper writes down whole, so that a power cut finds the step before or the one after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aldea.agents.trial_verdict import GivenUp, Verdict, judged, verdict_words
from aldea.agents.words import Words, joined

MOST_STARTS = 3
"""A candidate that was started so often without a word from the collector is given up."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Settings from afar: their revision (0: none yet) and their document, the `[agent]` table's keys."""

    revision: int = 0
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """An overlay that is being tried, and the command that brought it.

    `patience_ms` of time since boot are left to it in each boot from `since_ms` on; `starts` counts how often the agent
    began with it, and `cuts` how many of those another boot has ended. `tries` counts the trials of it, with this one.
    `answer` is what to tell of it, as far as it is known by now.
    """

    overlay: Overlay
    command: str
    patience_ms: int
    starts: int = 0
    boot_id: str = ""
    since_ms: int = 0
    answer: Mapping[str, Any] = field(default_factory=dict)
    cuts: int = 0
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Undone:
    """A trial in which nobody was heard. What was kept runs again, until it is known whose fault that was.

    `why` it was given up. Once the verdict is TRY_AGAIN, what was on trial waits for its next try.
    """

    trial: Trial
    why: Words
    given_up: GivenUp
    verdict: Verdict = Verdict.OPEN

    @property
    def words(self) -> Words:
        """What is known by now."""
        back = Words("the settings before hold again", "valen otra vez los ajustes anteriores")
        return joined([self.why, back, *[item for item in [verdict_words(self.verdict, self.given_up)] if item.en]])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a revision: `state` is `done` or `rolled_back`."""

    command: str
    revision: int
    state: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered. Of `trial`, `outcome` and `undone` there is one at the most."""

    kept: Overlay = field(default_factory=Overlay)
    trial: Trial | None = None
    outcome: Outcome | None = None
    undone: Undone | None = None

    @property
    def current(self) -> Overlay:
        """What the agent is to run with."""
        return self.kept if self.trial is None else self.trial.overlay

    @property
    def attempt(self) -> Trial | None:
        """What is on trial, or was and has no end yet."""
        return self.trial if self.undone is None else self.undone.trial


def proposed(state: State, trial: Trial) -> State:
    """Begin a trial. What became of the one before is overtaken, also where it was to be tried again."""
    return State(state.kept, trial)


def started(state: State, boot_id: str, mono_ms: int, *, had_link: bool = True) -> State:
    """Count a start of the agent; a trial that has had its starts, or its time, is over.

    `had_link`: whether it is known that there was a link while its time passed. One that ended by itself did so with
    a link or without.
    """
    trial = state.trial
    if trial is None:
        return state
    if trial.boot_id not in {"", boot_id}:
        trial = replace(trial, cuts=trial.cuts + 1)
        state = replace(state, trial=trial)
    if trial.starts >= MOST_STARTS:
        why = Words(
            f"the agent was started {trial.starts} times with these settings and the server was not heard",
            f"el agente arrancó {trial.starts} veces con estos ajustes y no se oyó al servidor",
        )
        ended_itself = trial.cuts < trial.starts
        return rolled_back(state, why, boot_id, mono_ms, had_its_time=ended_itself, ended_itself=ended_itself)
    if is_over(trial, boot_id, mono_ms):
        return rolled_back(state, silent_for(trial), boot_id, mono_ms, had_link=had_link)
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
    detail = {**trial.answer, "tries": trial.tries}
    return State(trial.overlay, outcome=Outcome(trial.command, trial.overlay.revision, "done", detail))


def rolled_back(state: State, why: Words, boot_id: str, mono_ms: int, **known: bool) -> State:
    """Go back to what was kept, since nobody was heard. Whose fault that was is known later: `judge`.

    `known` of it is what a `GivenUp` has.
    """
    trial = state.trial
    if trial is None:
        return state
    given_up = GivenUp(boot_id, mono_ms, trial.patience_ms, trial.tries, **known)
    return State(state.kept, undone=Undone(trial, why, given_up))


def back_since(state: State, boot_id: str, mono_ms: int) -> State:
    """Let the time of what was kept begin now, where it has just begun to run again."""
    undone = state.undone
    if undone is None or undone.verdict is not Verdict.OPEN or undone.given_up.boot_id != boot_id:
        return state
    return replace(state, undone=replace(undone, given_up=replace(undone.given_up, at_ms=mono_ms)))


def at_fault(state: State, why: Words) -> State:
    """Go back to what was kept, since the agent cannot run with what is on trial: the link has no part in that."""
    trial = state.trial
    if trial is None:
        return state
    says = joined([why, Words("the settings before hold again", "valen otra vez los ajustes anteriores")])
    return _ended(state, trial, says, inconclusive=False)


def judge(state: State, boot_id: str, mono_ms: int) -> State:
    """Say whose fault it was, now that the collector is heard with what was kept; nothing where that is known."""
    undone = state.undone
    if undone is None or undone.verdict is not Verdict.OPEN:
        return state
    verdict = judged(undone.given_up, boot_id, mono_ms, heard=True)
    undone = replace(undone, verdict=verdict)
    if verdict is Verdict.TRY_AGAIN:
        return replace(state, undone=undone)
    return _ended(state, undone.trial, undone.words, inconclusive=verdict is Verdict.INCONCLUSIVE)


def tried_again(state: State) -> State:
    """Begin the next trial of what told nothing."""
    undone = state.undone
    if undone is None or undone.verdict is not Verdict.TRY_AGAIN:
        return state
    trial = undone.trial
    return State(state.kept, replace(trial, starts=0, boot_id="", since_ms=0, cuts=0, tries=trial.tries + 1))


def _ended(state: State, trial: Trial, says: Words, *, inconclusive: bool) -> State:
    told = {**says.told, "runs": state.kept.revision, "tries": trial.tries, "inconclusive": inconclusive}
    outcome = Outcome(trial.command, trial.overlay.revision, "rolled_back", {**trial.answer, **told})
    return State(state.kept, outcome=outcome)
