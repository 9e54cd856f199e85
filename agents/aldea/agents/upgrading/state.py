"""What is known of releases in the data folder: which one runs, which is on trial, which were bad. One small file.

The launcher writes it while a release is on trial, the agent only when none is: never both.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aldea.agents.trial_verdict import GivenUp, Verdict, verdict_words
from aldea.agents.whole_file import write_whole
from aldea.agents.words import Words, joined
from aldea.model.release import version_key

FOLDER = "releases"
FILE = "state.json"
COMPLETE = "complete.json"
"""A release's folder without it was not built to its end."""
HEARD = "heard"
"""The agent on trial writes its trial's id here once the server has greeted it."""
VERSION = 1
MOST_BAD = 20

LAUNCHER = "ALDEA_LAUNCHER"
"""Environment: the launcher's command as JSON, by which the agent hands over to it."""
TRIAL = "ALDEA_TRIAL"
"""Environment: the id of the trial that this agent is on."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A release that is tried. `id` is the command's. Times are since boot; `starts` counts those that ended badly.

    `tries` says the how manieth trial this is; `lowers` that it is older than what was kept here, and was signed so.
    """

    version: str
    id: str
    boot_id: str = ""
    began_ms: int = 0
    starts: int = 0
    ended: str = ""
    tries: int = 1
    lowers: bool = False


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


class Releases:
    """The folder of releases in a data folder."""

    def __init__(self, data: Path) -> None:
        self.folder = data / FOLDER

    def path(self, version: str) -> Path:
        """Return where a release's environment is."""
        return self.folder / version

    def python(self, version: str) -> Path:
        """Return its Python."""
        return self.path(version) / "bin" / "python"

    def is_whole(self, version: str) -> bool:
        """Say whether a release was built to its end and is still there."""
        return (self.path(version) / COMPLETE).is_file() and self.python(version).exists()

    def read(self) -> State:
        """Return the state; an empty one where there is none that can be read: then the installation runs."""
        try:
            return _state(json.loads((self.folder / FILE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return State()

    def write(self, state: State) -> None:
        """Keep all of it or nothing. Raises OSError."""
        self.put(FILE, json.dumps({"version": VERSION, **asdict(state)}).encode() + b"\n")

    def put(self, name: str, content: bytes) -> None:
        """Write a file of the folder, whole and on disk when it returns. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self.folder / name, content)

    def heard(self, trial: Trial) -> bool:
        """Say whether the agent on this trial was greeted by the server."""
        try:
            return (self.folder / HEARD).read_text(encoding="ascii").strip() == trial.id
        except (OSError, ValueError):
            return False

    def forget_heard(self) -> None:
        """Forget that a trial was heard: only what comes from now on counts. Raises OSError."""
        (self.folder / HEARD).unlink(missing_ok=True)

    def remove(self, versions: Iterable[str]) -> None:
        """Remove releases, and what was fetched for them."""
        for version in versions:
            for path in (self.path(version), self.folder / f"{version}.fetched"):
                shutil.rmtree(path, ignore_errors=True)

    def prune(self, keep: State, *also: str) -> None:
        """Remove what neither the state names nor `also`: old releases, and what was fetched for them."""
        tried = keep.trial or (keep.outcome if keep.doubt is not None else None)
        named = {keep.current, keep.previous, None if tried is None else tried.version, *also}
        for path in self.folder.iterdir() if self.folder.is_dir() else ():
            if path.is_dir() and path.name not in named:
                shutil.rmtree(path, ignore_errors=True)


_NAMED: Mapping[str, type] = MappingProxyType({"version": str, "id": str})
_TRIAL = {
    **_NAMED,
    "boot_id": str,
    "began_ms": int,
    "starts": int,
    "ended": str,
    "tries": int,
    "lowers": bool,
}
_OUTCOME = {**_NAMED, "confirmed": bool, "reason": str, "reason_es": str, "verdict": str}
_DOUBT = {"boot_id": str, "at_ms": int, "patience_ms": int, "tries": int, "had_its_time": bool}
_LAUNCH = {"version": str, "boot_id": str, "at_ms": int, "count": int}


def _state(raw: object) -> State:
    """Return what was written. Raises ValueError or TypeError: the launcher must never stumble over it later.

    What is not known is left out: a later version may have more to write, and its launcher is this one still.
    """
    if not isinstance(raw, dict) or raw.get("version") != VERSION:
        raise ValueError("it was written by another version")
    trial, outcome, launch, bad = (raw.get(name) for name in ("trial", "outcome", "launch", "bad"))
    doubt, newest = raw.get("doubt"), raw.get("newest")
    return State(
        base=str(raw["base"]),
        current=None if raw["current"] is None else _version(raw["current"]),
        previous=None if raw["previous"] is None else _version(raw["previous"]),
        trial=None if trial is None else Trial(**_parts(trial, _TRIAL)),
        outcome=None if outcome is None else Outcome(**_parts(outcome, _OUTCOME)),
        launch=None if launch is None else Launch(**_parts(launch, _LAUNCH)),
        bad={_version(name): str(why) for name, why in dict(bad or {}).items()},
        doubt=None if doubt is None or outcome is None else GivenUp(**_parts(doubt, _DOUBT)),
        newest=None if newest is None else _version(newest),
    )


def _parts(raw: object, kinds: Mapping[str, type]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise TypeError("a part of it is no table")
    found = {name: raw[name] for name in kinds if name in raw}
    if any(type(value) is not kinds[name] for name, value in found.items()):
        raise TypeError("a part of it is of another kind")
    if "version" in kinds:
        _version(found["version"])
    return found


def _version(text: object) -> str:
    """Return a version, which is a folder's name here. Raises ReleaseError."""
    version_key(str(text))
    return str(text)
