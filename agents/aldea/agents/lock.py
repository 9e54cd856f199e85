"""One program for each data folder: two agents would give the same seqs twice."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class AlreadyRunning(Exception):
    """Another program of ours uses the folder; the message says which, and what to do."""


class FolderLock:
    """Holds a folder for one `program` of ours until it is released or the process ends, however it ends."""

    def __init__(self, folder: Path, program: str = "agent") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{program}.lock"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(self._file, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise AlreadyRunning(
                f"another {program} (process {owner}) already uses {folder}; stop it, or give this one another "
                "folder with --data"
            ) from None
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, str(os.getpid()).encode(), 0)
        except OSError:
            pass  # the lock holds without it: the number only helps a person

    def release(self) -> None:
        """Let another one use the folder."""
        os.close(self._file)
