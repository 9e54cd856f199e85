"""One collector a data directory: two would believe different things of one journal."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

from aldea.collector.journal import JournalError
from aldea.model.said import Said

if TYPE_CHECKING:
    from pathlib import Path


class DataLock:
    """A lock that its process holds until it ends, however it ends. Raises JournalError when another has it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise JournalError(
                Said(
                    f"{path.parent} is in use by another collector: stop that one, or give this one a directory of its "
                    "own",
                    f"otro colector usa {path.parent}: detener ese, o dar a este una carpeta propia",
                )
            ) from None

    def release(self) -> None:
        """Give the directory free."""
        self._file.close()
