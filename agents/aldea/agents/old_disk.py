"""An old disk's files, copied into this box's data folder, and the rights to go on with."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from aldea.agents.enrolment import enrolled
from aldea.agents.lock import FolderLock
from aldea.agents.outbox.database import NAME
from aldea.agents.outbox.old import RESERVE, copy_file
from aldea.agents.outbox.taking_over import CannotTakeOver
from aldea.agents.page.words import say
from aldea.agents.records import book, roster
from aldea.model.settings import SettingsError

_WORK = "take-over-"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_BESIDE = (RESERVE, book.NAME, roster.NAME)


@dataclass(frozen=True, slots=True)
class OldFiles:
    """Copies of one old outbox and of what lies beside it; `owner` is whom the enrolment there names."""

    source: Path
    path: Path
    reserve: Path | None
    owner: str | None
    bad_blocks: int
    book: Path | None = None
    roster: Path | None = None


@contextmanager
def copies_of(folder: Path, paths: list[Path]) -> Iterator[list[OldFiles]]:
    """Copy the old files into the data folder, and go on as the folder's owner: root alone may read an old disk."""
    work = Path(mkdtemp(prefix=_WORK, dir=folder))
    try:
        copies = []
        for number, path in enumerate(paths):
            target = work / f"{number}.sqlite"
            try:
                bad = copy_file(path, target)
            except OSError as error:
                if error.errno in _NO_ROOM:
                    needed = round(path.stat().st_size / 1e6) + 1
                    raise CannotTakeOver(
                        say(
                            "This box's disk has no room for a copy of %(file)s: free %(needed)d MB, "
                            "then do this again",
                            file=path,
                            needed=needed,
                        )
                    ) from error
                why = error.strerror or error
                raise CannotTakeOver(say("%(file)s cannot be read (%(why)s)", file=path, why=why)) from error
            # What lies beside a file that was put aside belongs to the folder's own outbox.
            names = _BESIDE if path.name == NAME else ()
            beside = [_copy_beside(path.with_name(name), work / name) for name in names] or [None, None, None]
            copies.append(OldFiles(path, target, beside[0], _enrolled_as(path.parent), bad, beside[1], beside[2]))
        _become_owner(folder, work)
        lock = FolderLock(folder, "take-over")
        try:
            for left in folder.glob(f"{_WORK}*"):  # by one that was killed
                if left != work:
                    rmtree(left, ignore_errors=True)
            yield copies
        finally:
            lock.release()
    finally:
        rmtree(work, ignore_errors=True)


def _copy_beside(source: Path, target: Path) -> Path | None:
    if not source.is_file():
        return None
    copy_file(source, target)
    return target


def _become_owner(folder: Path, work: Path) -> None:
    owner = folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    for path in (work, *work.iterdir()):
        os.chown(path, owner.st_uid, owner.st_gid)
    os.setgroups([])
    os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def _enrolled_as(folder: Path) -> str | None:
    try:
        found = enrolled(folder)
    except SettingsError:
        return None
    return None if found is None else f"{found.site}/{found.device}"
