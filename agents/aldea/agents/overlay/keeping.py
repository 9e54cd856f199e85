"""The file of the settings from afar: one name, replaced as a whole, readable by the agent's user alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from aldea.agents.overlay.state import Outcome, Overlay, State, Trial, Undone
from aldea.agents.trial_verdict import GivenUp, Verdict
from aldea.agents.whole_file import write_whole
from aldea.agents.words import Words

FILE = "settings.json"
VERSION = 1
_NEWER = ("cuts", "tries")
"""Kept beside the trial: a release from before, back after an upgrade that failed, must be able to read it."""

_Kind = TypeVar("_Kind")
_LOG = logging.getLogger(__name__)


class Keeper:
    """Reads and writes the state in a data folder. One process at a time writes."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> State:
        """Return what is kept; nothing where there is no file, or where it can't be read: it is put aside then.

        An agent without its settings from afar still has those of its machine; one that stops helps nobody.
        """
        try:
            return _state(json.loads(self._path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return State()
        except OSError as error:
            _LOG.error("%s cannot be read: %s; the machine's own settings hold", self._path, error)
            return State()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            _LOG.error("%s is not ours (%s); it is put aside, the machine's own settings hold", self._path, error)
            with suppress(OSError):
                self._path.replace(self._path.with_suffix(".unreadable"))
            return State()

    def write(self, state: State) -> None:
        """Write down all of it or nothing. Raises OSError when the disk does not allow it."""
        raw = {"version": VERSION, **asdict(state)}
        if state.trial is not None:
            raw["counts"] = {name: raw["trial"].pop(name) for name in _NEWER}
        content = json.dumps(raw, ensure_ascii=False).encode() + b"\n"
        write_whole(self._path, content)


def _state(raw: Mapping[str, Any]) -> State:
    if raw["version"] != VERSION:
        raise ValueError("it was written by another version")
    trial, outcome, undone = raw["trial"], raw["outcome"], raw.get("undone")
    return State(
        _overlay(raw["kept"]),
        None if trial is None else _trial({**trial, **raw.get("counts", {})}),
        None if outcome is None else _made(Outcome, outcome),
        None if undone is None else _undone(undone),
    )


def _undone(raw: Mapping[str, Any]) -> Undone:
    why = Words(*raw["why"])
    return Undone(_trial(raw["trial"]), why, _made(GivenUp, raw["given_up"]), Verdict(raw["verdict"]))


def _trial(raw: Mapping[str, Any]) -> Trial:
    return _made(Trial, {**raw, "overlay": _overlay(raw["overlay"])})


def _overlay(raw: Mapping[str, Any]) -> Overlay:
    made = _made(Overlay, raw)
    if type(made.revision) is not int or not isinstance(made.document, dict):
        raise TypeError("a revision or a document is of another kind")
    return made


def _made(cls: type[_Kind], raw: Mapping[str, Any]) -> _Kind:
    """Return an instance of `raw`; what is not known is left out: another release may have more to write."""
    known = {item.name for item in fields(cls)}  # type: ignore[arg-type]  # every kind here is a dataclass
    return cls(**{name: value for name, value in raw.items() if name in known})
