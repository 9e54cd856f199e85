"""Repairs reported on the page, kept in the data folder: what was said and found, and what the server answered."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from aldea.agents.whole_file import write_whole

_LOG = logging.getLogger(__name__)
FILE = "repairs.json"
KEPT = 20
LONGEST_NOTE = 500
ANSWER_WITHIN_MS = 10 * 60_000


class RepairState(StrEnum):
    """`checking`: the checks run; `sent`: in the outbox; the others are the server's word, or that there is none."""

    CHECKING = "checking"
    SENT = "sent"
    NOT_KEPT = "not_kept"
    CONFIRMED = "confirmed"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Repair:
    """One report. `mono_ms` is time since the boot `boot_id`; `at_ms` the time, where it was known.

    `findings` are as the box had them (`as_plain`), `sentences` the server's answer by language.
    """

    id: str
    note: str
    boot_id: str
    mono_ms: int
    at_ms: int | None
    state: RepairState = RepairState.CHECKING
    findings: list[dict[str, Any]] = field(default_factory=list)
    sentences: dict[str, str] = field(default_factory=dict)

    def waited_ms(self, boot_id: str, mono_ms: int, known_ms: int | None = None) -> int:
        """Return how long ago it was reported; after a restart of the machine, by the time where that is known.

        Where it is not, since that restart.
        """
        if boot_id == self.boot_id:
            return max(0, mono_ms - self.mono_ms)
        if known_ms is None or self.at_ms is None:
            return mono_ms
        return max(mono_ms, known_ms - self.at_ms)

    def is_pending(self, waited_ms: int) -> bool:
        """Say whether the server's word may still come in time, after so long."""
        return self.state in {RepairState.CHECKING, RepairState.SENT} and waited_ms < ANSWER_WITHIN_MS


class RepairBook:
    """The reports of a data folder, the newest last. Every call reads and writes the file: any thread may call."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def add(self, note: str, boot_id: str, mono_ms: int, at_ms: int | None) -> Repair:
        """Keep a new report and return it. Raises OSError."""
        repair = Repair(secrets.token_hex(16), note[:LONGEST_NOTE], boot_id, mono_ms, at_ms)
        with self._held():
            self._write([*self._read(), repair][-KEPT:])
        return repair

    def change(self, repair_id: str, **changes: Any) -> Repair | None:
        """Change a report and return it; None where there is none by this id. Raises OSError."""
        with self._held():
            kept = self._read()
            changed = [replace(item, **changes) if item.id == repair_id else item for item in kept]
            if changed != kept:
                self._write(changed)
        return next((item for item in changed if item.id == repair_id), None)

    def checked(self, repair_id: str, state: RepairState, findings: list[dict[str, Any]]) -> None:
        """Note what became of a report that was being checked; a word from the server that came sooner stays.

        Raises OSError.
        """
        with self._held():
            kept = self._read()
            changed = [
                replace(item, state=state if item.state is RepairState.CHECKING else item.state, findings=findings)
                if item.id == repair_id
                else item
                for item in kept
            ]
            self._write(changed)

    def answered(self, repair_id: str, sentences: dict[str, str], *, confirmed: bool) -> bool:
        """Note the server's word on a report; return whether there is such a report. Raises OSError."""
        state = RepairState.CONFIRMED if confirmed else RepairState.NOT_YET
        return self.change(repair_id, state=state, sentences=sentences) is not None

    def find(self, repair_id: str) -> Repair | None:
        """Return a report."""
        return next((item for item in self._read() if item.id == repair_id), None)

    def last(self) -> Repair | None:
        """Return the newest report."""
        kept = self._read()
        return kept[-1] if kept else None

    def unsent(self) -> list[Repair]:
        """Return the reports whose checks a stop of the agent has cut short."""
        return [item for item in self._read() if item.state is RepairState.CHECKING]

    @contextmanager
    def _held(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _read(self) -> list[Repair]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            return [Repair(**{**item, "state": RepairState(item["state"])}) for item in found]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError) as error:
            _LOG.error("%s cannot be read, and is begun anew: %s", self._path, error)
            return []

    def _write(self, repairs: list[Repair]) -> None:
        text = json.dumps([asdict(item) for item in repairs], ensure_ascii=False)
        write_whole(self._path, text.encode())
