"""One program for each data folder: two agents would give the same seqs twice."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from aldea.agents.page.words import Words, say

_NO_WRITING = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO})


class AlreadyRunning(Exception):
    """Another program of ours uses the folder; `words` say which, and what to do."""

    def __init__(self, words: Words) -> None:
        super().__init__(words.in_("en"))
        self.words = words


class FolderLock:
    """Holds a folder for one `program` of ours until it is released or the process ends, however it ends.

    Also a folder that takes no writing (full, read-only), as far as there is something in it to hold.
    """

    def __init__(self, folder: Path, program: str = "agent") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{program}.lock"
        self._file = _opened(self._path)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = _owner(self._path)
            os.close(self._file)
            raise AlreadyRunning(
                say(
                    "another %(program)s (process %(owner)s) already uses %(folder)s; stop it, or give this one "
                    "another folder with --data",
                    program=program,
                    owner=owner,
                    folder=folder,
                )
            ) from None
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, str(os.getpid()).encode(), 0)
        except OSError:
            pass  # the lock holds without it: the number only helps a person

    def release(self) -> None:
        """Let another one use the folder."""
        os.close(self._file)


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
