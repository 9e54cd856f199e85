"""An outbox that was put aside as damaged: what can still be read of it comes back, since nobody can log in."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread

from aldea.agents.lock import AlreadyRunning, FolderLock
from aldea.agents.outbox import Limits
from aldea.agents.outbox.formats import READABLE_FORMATS
from aldea.agents.whole_file import write_whole

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 3_600.0
_DAMAGED = "outbox.corrupt-*.sqlite"
_WORK = "take-over-"
_KNOWN = "formats " + " ".join(map(str, READABLE_FORMATS))
_ROOM_BYTES = 20_000_000
"""What must stay free beside the copy that is read."""


async def look_after_damaged(folder: Path, limits: Limits, hardware_id: str) -> None:
    """Bring in what damaged files hold, at the start and each hour, for ever."""
    while True:
        # No stop waits for it: what was cut off is finished by doing it again.
        Thread(target=salvage, args=(folder, limits, hardware_id), name="damaged", daemon=True).start()
        await asyncio.sleep(_LOOK_SECONDS)


def salvage(folder: Path, limits: Limits, hardware_id: str) -> int:
    """Bring the rows of files that were put aside into the outbox in use, each file once; return how many came.

    The agent may be running. Never raises: what cannot be done now is said, and done the next time.
    """
    left = [path for path in sorted(folder.glob(_DAMAGED)) if not _is_done(path)]
    if not left:
        return 0
    try:
        lock = FolderLock(folder, "take-over")
    except (AlreadyRunning, OSError) as error:
        _LOG.warning("%d damaged outboxes wait: %s", len(left), error)
        return 0
    try:
        return sum(_bring_in(path, limits, hardware_id) for path in left)
    finally:
        lock.release()


def _is_done(path: Path) -> bool:
    """Say whether a file was seen to; one that could not be read is tried again by a version that knows others."""
    try:
        return _done(path).read_text(encoding="ascii", errors="replace") in {"", _KNOWN}
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _done(path: Path) -> Path:
    return path.with_suffix(".done")


def _bring_in(path: Path, limits: Limits, hardware_id: str) -> int:
    """Bring in one file, read from a copy; return how many rows came."""
    from aldea.agents.outbox.old import CannotRead, OldOutbox, copy_file  # noqa: PLC0415 - seldom needed
    from aldea.agents.outbox.taking_over import CannotTakeOver, NewOutbox  # noqa: PLC0415 - seldom needed

    for before in path.parent.glob(f"{_WORK}*"):  # by one that was cut off
        shutil.rmtree(before, ignore_errors=True)
    work: Path | None = None
    try:
        if shutil.disk_usage(path.parent).free < path.stat().st_size + _ROOM_BYTES:
            _LOG.warning("%s waits for room to be read", path)
            return 0
        work = Path(mkdtemp(prefix=_WORK, dir=path.parent))
        copy_file(path, work / "0.sqlite")
        with closing(OldOutbox(work / "0.sqlite")) as old, closing(NewOutbox(path.parent, limits, hardware_id)) as new:
            result = new.take_over(old)
        _done(path).touch()
    except CannotRead as error:
        _LOG.warning("nothing can be brought back of %s: %s", path, error)
        with suppress(OSError):
            write_whole(_done(path), _KNOWN.encode())
        return 0
    except (OSError, sqlite3.Error, CannotTakeOver) as error:
        _LOG.warning("%s cannot be brought back now: %s", path, error)
        return 0
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)
    _LOG.warning("%d rows of %s were brought back, %d cannot be read", result.rows, path, result.unreadable)
    return result.rows
