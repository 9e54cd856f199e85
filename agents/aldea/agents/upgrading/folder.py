"""The folder of releases: their environments, and one small file with what is known of them.

The launcher writes it while a release is on trial, the agent only when none is: never both.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

from aldea.agents.trial_verdict import GivenUp
from aldea.agents.upgrading.state import Launch, Outcome, State, Trial
from aldea.agents.whole_file import write_whole
from aldea.model.release import version_key

FOLDER = "releases"
FILE = "state.json"
COMPLETE = "complete.json"
"""A release's folder without it was not built to its end."""
HEARD = "heard"
"""The agent on trial writes its trial's id here once the server has greeted it."""
VERSION = 1


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
    "host": str,
    "port": int,
    "tls": bool,
}
_OUTCOME = {**_NAMED, "confirmed": bool, "reason": str, "reason_es": str, "verdict": str}
_DOUBT = {
    "boot_id": str,
    "at_ms": int,
    "patience_ms": int,
    "tries": int,
    "had_its_time": bool,
    "had_link": bool,
    "ended_itself": bool,
}
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
