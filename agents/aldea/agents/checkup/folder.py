"""Whether the box's data folder can be written, found out by writing to it."""

from __future__ import annotations

import errno
import logging
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path

from aldea.model.clock import Clock

_LOG = logging.getLogger(__name__)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EACCES, errno.EPERM})
_LASTS_MS = 20_000


@dataclass(frozen=True, slots=True)
class FolderError:
    """Why a folder can't be written: which one, the system's number for it, and the system's words."""

    folder: str
    number: int | None
    said: str

    @property
    def is_full(self) -> bool:
        """Whether there is no room, which is no fault of the disk."""
        return self.number in _FULL

    @property
    def is_refused(self) -> bool:
        """Whether the folder is another user's, which is no fault of the disk either."""
        return self.number in _REFUSED

    @property
    def is_read_only(self) -> bool:
        """Whether the system lets nobody write there: mostly because the disk failed."""
        return self.number == errno.EROFS


def folder_error(folder: Path) -> FolderError | None:
    """Return why the data folder cannot be written, None when it can: by writing to it."""
    trial = folder / f".written-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with trial.open("wb") as file:
            file.write(b"aldea")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return FolderError(str(folder), error.errno, error.strerror or str(error))
    finally:
        try:
            trial.unlink(missing_ok=True)
        except OSError as error:
            _LOG.debug("%s stays: %s", trial, error)
    return None


class FolderWatch:
    """What `folder_error` said lately, for whoever asks often. On a disk that hangs, one thread waits and no more."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._looking = threading.Lock()
        self._found: FolderError | None = None
        self._found_ms: int | None = None

    def look(self) -> FolderError | None:
        """Return what was found within the last 20 seconds; what was found before while another thread looks."""
        if self._looking.acquire(blocking=False):
            try:
                now_ms = self._clock.mono_ms()
                if self._found_ms is None or now_ms - self._found_ms >= _LASTS_MS:
                    self._found = folder_error(self._folder)
                    self._found_ms = now_ms
            finally:
                self._looking.release()
        return self._found
