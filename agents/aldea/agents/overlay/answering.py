"""What the desk answers: the sentences of a refusal, and the parts of every answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aldea.agents.overlay.state import State, Trial
from aldea.agents.words import Words
from aldea.model.overlays import merged
from aldea.model.said import Said, in_spanish, joined

MOST_SENTENCES = 20
NO_COMMAND = Said(
    "a settings command has a revision from 1 on and a document that is a table",
    "una orden de ajustes lleva una revisión desde 1 y un documento que es una tabla",
)
NO_DISK = Said(
    "the device's disk does not take them: it is full or broken",
    "el disco del equipo no los admite: está lleno o dañado",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command is answered: its state, what to say of it, and whether the agent is to start anew."""

    state: str
    detail: Mapping[str, Any]
    restart: bool = False


def detail_of(revision: int, runs: int, changed: list[str], says: Words) -> dict[str, Any]:
    """Return the detail of an answer: which revision it is about, which one the agent runs with, and what to say."""
    return {"revision": revision, "runs": runs, "changed": changed, **says.told}


def taken_detail(revision: int, runs: int, changed: list[str], overruled: Sequence[str]) -> dict[str, Any]:
    """Return the detail of settings that are taken: what changes, and what the machine's own environment wins over."""
    keys = ", ".join(changed)
    nothing = Words("nothing changed for this device", "nada cambió para este equipo")
    says = Words(f"changed: {keys}", f"cambió: {keys}") if changed else nothing
    return {
        **detail_of(revision, runs, changed, says),
        "overruled": [str(item) for item in overruled],
        "overruled_es": [in_spanish(item) for item in overruled],
    }


def known_answer(state: State, command: str, revision: int, document: Mapping[str, Any]) -> Answer | None:
    """Return the answer to a command that was here before, or that comes too late; None for what is new."""
    attempt, outcome, kept = state.attempt, state.outcome, state.kept
    if attempt is not None and attempt.command == command:
        return Answer("running", _told(state, attempt))
    if outcome is not None and outcome.command == command:
        return Answer(outcome.state, outcome.detail)
    if revision == kept.revision and merged({}, document) == kept.document:
        says = Words("these settings hold already", "estos ajustes ya valen")
        return Answer("done", detail_of(revision, kept.revision, [], says))
    if revision <= kept.revision:
        return refusal(
            revision, kept.revision, [_too_late(revision, kept.revision, "which holds here", "que vale aquí")]
        )
    if attempt is not None and revision < attempt.overlay.revision:
        newer = attempt.overlay.revision
        late = _too_late(revision, newer, "which took its place", "que tomó su lugar")
        return refusal(revision, kept.revision, [late])
    return None


def _told(state: State, attempt: Trial) -> Mapping[str, Any]:
    """Return what there is to say of settings that have no end yet."""
    told = {**attempt.answer, "tries": attempt.tries}
    if state.undone is None:
        return told
    return {**told, **state.undone.words.told, "runs": state.kept.revision}


def refusal(revision: int, runs: int, wrong: Sequence[str]) -> Answer:
    """Return the answer to settings that cannot be, with why, in both languages."""
    more = len(wrong) - MOST_SENTENCES
    said = [*wrong[:MOST_SENTENCES], *([Said(f"and {more} more", f"y {more} más")] if more > 0 else [])]
    text = joined(said)
    says = Words(text, f"no se pueden usar, nada cambió: {text.es}")
    errors = {"errors": [str(item) for item in said], "errors_es": [in_spanish(item) for item in said]}
    return Answer("failed", {**detail_of(revision, runs, [], says), **errors})


def _too_late(revision: int, newer: int, which: str, which_es: str) -> Said:
    """Return why an older revision is not taken: `which` tells what the newer one is here."""
    return Said(
        f"revision {revision} is not newer than revision {newer}, {which}",
        f"la revisión {revision} no es más nueva que la revisión {newer}, {which_es}",
    )
