"""The file of the settings from afar: one name, replaced as a whole, readable by the agent's user alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aldea.agents.overlay.state import Outcome, Overlay, State, Trial
from aldea.agents.whole_file import write_whole

FILE = "settings.json"
VERSION = 1
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
        content = json.dumps({"version": VERSION, **asdict(state)}, ensure_ascii=False).encode() + b"\n"
        write_whole(self._path, content)


def _state(raw: Mapping[str, Any]) -> State:
    if raw["version"] != VERSION:
        raise ValueError("it was written by another version")
    trial, outcome = raw["trial"], raw["outcome"]
    return State(
        _overlay(raw["kept"]),
        None if trial is None else Trial(**{**trial, "overlay": _overlay(trial["overlay"])}),
        None if outcome is None else Outcome(**outcome),
    )


def _overlay(raw: Mapping[str, Any]) -> Overlay:
    made = Overlay(**raw)
    if type(made.revision) is not int or not isinstance(made.document, dict):
        raise TypeError("a revision or a document is of another kind")
    return made
