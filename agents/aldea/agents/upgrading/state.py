"""What is known of releases in the data folder: which one runs, which is on trial, which were bad. Values alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aldea.agents.trial_verdict import GivenUp, Verdict, verdict_words
from aldea.agents.words import Words, joined
from aldea.model.release import version_key

MOST_BAD = 20

LAUNCHER = "ALDEA_LAUNCHER"
"""Environment: the launcher's command as JSON, by which the agent hands over to it."""
TRIAL = "ALDEA_TRIAL"
"""Environment: the id of the trial that this agent is on."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A release that is tried. `id` is the command's. Times are since boot; `starts` counts those that ended badly.

    `tries` says the how manieth trial this is; `lowers` that it is older than what was kept here, and was signed so.
    `host`, `port` and `tls` are where the server was heard before: whether it can be reached is looked at meanwhile.
    """

    version: str
    id: str
    boot_id: str = ""
    began_ms: int = 0
    starts: int = 0
    ended: str = ""
    tries: int = 1
    lowers: bool = False
    host: str = ""
    port: int = 0
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the last trial. `verdict` is one of `Verdict`; empty where there was no doubt."""

    version: str
    id: str
    confirmed: bool
    reason: str = ""
    reason_es: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """How often a kept release was started in quick succession."""

    version: str
    boot_id: str
    at_ms: int
    count: int


@dataclass(frozen=True, slots=True)
class State:
    """Everything. `base` names the installation that releases stand on; `current` None: that itself runs.

    `doubt`: the last trial was given up, and whose fault that was is not known, or not settled. `newest` is the newest
    version that was kept on this base: nothing older is taken without a signature that allows it.
    """

    base: str = ""
    current: str | None = None
    previous: str | None = None
    trial: Trial | None = None
    outcome: Outcome | None = None
    launch: Launch | None = None
    bad: Mapping[str, str] = field(default_factory=dict)
    doubt: GivenUp | None = None
    newest: str | None = None

    def confirmed(self) -> State:
        """Return the state once the release on trial was heard."""
        trial = self.trial
        assert trial is not None
        outcome = Outcome(trial.version, trial.id, confirmed=True)
        newest = trial.version if trial.lowers else _newer(trial.version, self.newest)
        after = replace(self, current=trial.version, previous=self.current, trial=None, outcome=outcome)
        return replace(after, doubt=None, newest=newest)

    def given_up(self, why: Words, doubt: GivenUp | None = None) -> State:
        """Return the state with the trial ended: what ran before runs again.

        `doubt` says what is needed to find out whether it was the release at all; without it, it was.
        """
        trial = self.trial
        assert trial is not None
        outcome = Outcome(trial.version, trial.id, confirmed=False, reason=why.en[:400], reason_es=why.es[:400])
        bad = self.bad if doubt is not None else _with(self.bad, trial.version, why.en)
        return replace(self, trial=None, outcome=outcome, bad=bad, doubt=doubt)

    def judged(self, verdict: Verdict) -> State:
        """Return the state once it is known whose fault it was, or that the same is to be tried once more."""
        outcome, doubt = self.outcome, self.doubt
        assert outcome is not None
        assert doubt is not None
        outcome = replace(outcome, verdict=verdict.value)
        if verdict is Verdict.INCONCLUSIVE:
            said = joined((Words(outcome.reason, outcome.reason_es), verdict_words(verdict, doubt)))
            outcome = replace(outcome, reason=said.en, reason_es=said.es)
        bad = _with(self.bad, outcome.version, outcome.reason) if verdict is Verdict.AT_FAULT else self.bad
        return replace(self, outcome=outcome, bad=bad, doubt=None if verdict.is_over else doubt)

    def tried(self, trial: Trial) -> State:
        """Return the state with a release to be tried; what became of the trial before is over."""
        return replace(self, trial=trial, outcome=None, doubt=None)

    def fallen_back(self, reason: str) -> State:
        """Return the state with a kept release given up: the one before it runs, or the installation."""
        assert self.current is not None
        before = None if self.previous == self.current else self.previous
        bad = _with(self.bad, self.current, reason)
        return replace(self, current=before, previous=None, launch=None, bad=bad)


def _newer(version: str, other: str | None) -> str:
    return version if other is None or version_key(version) >= version_key(other) else other


def _with(bad: Mapping[str, str], version: str, reason: str) -> dict[str, str]:
    kept = {name: why for name, why in bad.items() if name != version}
    return dict(list({**kept, version: reason[:200]}.items())[-MOST_BAD:])
