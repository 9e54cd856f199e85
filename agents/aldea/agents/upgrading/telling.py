"""What a device says of a release, in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from aldea.agents.operating.handler import Outcome, State
from aldea.agents.trial_verdict import GivenUp, Verdict, verdict_words
from aldea.agents.upgrading.state import Outcome as Ended
from aldea.agents.words import Words, joined
from aldea.model.release import ReleaseError

_STEPS = {
    "fetching": Words("it is being fetched", "se está descargando"),
    "building": Words("it is being built", "se está preparando"),
    "trying": Words("it is being tried", "se está probando"),
}


def refused_release(error: ReleaseError, reason: str = "") -> Outcome:
    """Return the outcome of a release that was not taken; `reason` is a word for programs."""
    spanish = error.spanish or f"esta versión no se puede usar ({error})"
    return Outcome(State.FAILED, {**Words(str(error), spanish).told, **({"reason": reason} if reason else {})})


def disk_error(error: OSError) -> ReleaseError:
    """Return that the disk does not take it."""
    why = error.strerror or error
    return ReleaseError(f"the device's disk does not take it: {why}", f"el disco del equipo no lo admite: {why}")


def overtaken(version: str) -> ReleaseError:
    """Return that another release is wanted by now."""
    return ReleaseError(
        f"version {version} was not fetched to its end: another release was asked for since",
        f"la versión {version} no se terminó de descargar: después se pidió otra",
    )


def runs_already(version: str) -> Outcome:
    """Return that there is nothing to do."""
    return Outcome(State.DONE, {"version": version, **Words("it runs already", "ya funciona").told})


def step(version: str, name: str, more: Mapping[str, int]) -> dict[str, object]:
    """Return how far it is."""
    return {"version": version, **_STEPS[name].told, "step": name, **more}


def stuck(version: str, why: Words, more: Mapping[str, int]) -> dict[str, object]:
    """Return that nothing more comes of it, and why."""
    words = Words(
        f"nothing more of it comes: {why.en}; it goes on trying", f"ya no llega más: {why.es}; se sigue intentando"
    )
    return {"version": version, **words.told, "step": "fetching", "stuck": True, **more}


def waiting_for_budget(version: str, until_ms: int) -> dict[str, object]:
    """Return that this month's bytes are spent; `until_ms` 0: until when is not known."""
    day = "" if until_ms == 0 else f"{datetime.fromtimestamp(until_ms / 1000, UTC):%Y-%m-%d}"
    words = Words(
        f"this month's bytes are spent, so it waits until {day or 'the time is known'}",
        f"los datos de este mes se acabaron, por eso espera hasta {day or 'saber la hora'}",
    )
    return {"version": version, **words.told, "step": "waiting_for_budget", "until_ms": until_ms}


def trying_again(ended: Ended, doubt: GivenUp) -> dict[str, object]:
    """Return that the last trial told nothing, and that another follows."""
    why = verdict_words(Verdict.TRY_AGAIN, doubt)
    words = joined((_given_up(ended), why))
    return {"version": ended.version, **words.told, "step": "trying_again", "tries": doubt.tries}


def ended_trial(ended: Ended) -> Outcome:
    """Return what became of a trial."""
    version = ended.version
    if ended.confirmed:
        words = Words(
            f"version {version} runs and has heard the server", f"la versión {version} funciona y oyó al servidor"
        )
        return Outcome(State.DONE, {"version": version, **words.told})
    detail: dict[str, object] = {"version": version, **_given_up(ended).told, "reason": ended.reason}
    return Outcome(State.ROLLED_BACK, {**detail, **({"verdict": ended.verdict} if ended.verdict else {})})


def _given_up(ended: Ended) -> Words:
    return Words(
        f"version {ended.version} was given up, and the one before runs again: {ended.reason}",
        f"se dejó la versión {ended.version} y funciona otra vez la anterior: "
        f"{ended.reason_es or 'no oyó al servidor'}",
    )
