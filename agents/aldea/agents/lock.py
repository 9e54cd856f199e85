"""One program for each data folder: two agents would give the same seqs twice."""

from __future__ import annotations

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from aldea.agents.page.words import Unable, say

_NO_WRITING = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO})


class AlreadyRunning(Unable):
    """Another program of ours uses the folder; `words` say which, and what to do."""


class FolderLock:
    """Holds a folder for one `program` of ours until it is released or the process ends, however it ends.

    Also a folder that takes no writing (full, read-only), as far as there is something in it to hold.
    `may_be_missing`: of a folder that is missing and cannot be made on such a disk there is nothing to hold yet.
    """

    def __init__(self, folder: Path, program: str = "agent", *, may_be_missing: bool = False) -> None:
        self._path = folder / f"{program}.lock"
        self._program = program
        self._file: int | None = None
        try:
            self.hold()
        except OSError as error:
            if not (may_be_missing and error.errno in _NO_WRITING):
                raise

    def hold(self) -> None:
        """Hold the folder, where that is still to be done. Raises AlreadyRunning, or OSError where it can't be made."""
        if self._file is not None:
            return
        folder, program = self._path.parent, self._program
        folder.mkdir(parents=True, exist_ok=True)
        file = _opened(self._path)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = _owner(self._path)
            os.close(file)
            raise AlreadyRunning(
                say(
                    "another %(program)s (process %(owner)s) already uses %(folder)s; stop it, or give this one "
                    "another folder with --data",
                    program=program,
                    owner=owner,
                    folder=folder,
                )
            ) from None
        self._file = file
        with suppress(OSError):  # the lock holds without it: the number only helps a person
            os.ftruncate(file, 0)
            os.pwrite(file, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Let another one use the folder."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _opened(path: Path) -> int:
    """Return the lock's file, made where it is missing; the folder itself where it can't be made.

    Raises OSError where neither can be opened.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno not in _NO_WRITING:
            raise
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _owner(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")[:32].strip() or "unknown"
    except OSError:
        return "unknown"
