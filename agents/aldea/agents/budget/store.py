"""The ledger on disk: one small file, replaced whole, shared by the agent and a person's test by hand."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aldea.agents.budget.ledger import Ledger, from_text, to_text
from aldea.agents.whole_file import write_whole

_LOG = logging.getLogger(__name__)
FILE = "budget.json"


class LedgerFile:
    """The ledger in a data folder. What was written is on disk: a power cut leaves the old one or the new one."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    @contextmanager
    def held(self) -> Iterator[LedgerFile]:
        """Keep other processes out between reading and writing. Raises OSError when the folder cannot be written."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._leave_to_owner(lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self
        finally:
            os.close(lock)

    def read(self) -> Ledger:
        """Return the ledger; a new one where there is none.

        One that cannot be read is set aside, and the month counts as spent: nobody knows what it held. Raises OSError
        where that cannot be written, and then it is still there: without it, the month would begin again.
        """
        try:
            return from_text(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Ledger(salt=os.urandom(8).hex())
        except ValueError as error:  # a UnicodeDecodeError is one
            aside = self._path.with_suffix(".broken")
            write_whole(aside, self._path.read_bytes())
            self._leave_to_owner(aside)
            _LOG.error(
                "%s cannot be read (%s) and is now %s; no tests until next month, unless %s is removed",
                self._path, error, aside, self._path,
            )  # fmt: skip
            ledger = Ledger(salt=os.urandom(8).hex(), spent_up=True)
            self.write(ledger)
            return ledger

    def write(self, ledger: Ledger) -> None:
        """Replace the ledger. Raises OSError, and then the old one is still there."""
        write_whole(self._path, to_text(ledger).encode())
        self._leave_to_owner(self._path)

    def add_telemetry(self, count: int) -> None:
        """Book so many bytes besides tests to the last month that was known. Raises OSError."""
        with self.held():
            self.write(self.read().with_telemetry(count))

    def _leave_to_owner(self, file: int | Path) -> None:
        """Give a file to whom the folder belongs: root, who tests by hand, must not lock the agent out."""
        if os.geteuid() == 0:
            owner = self._path.parent.stat()
            os.chown(file, owner.st_uid, owner.st_gid)
