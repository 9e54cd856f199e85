"""Puts a backup back: all of it or nothing, and what was there before is kept beside it."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from aldea.agents.lock import AlreadyRunning, FolderLock
from aldea.collector.journal import JournalError
from aldea.collector.lock import DataLock
from aldea.deploy.backup.archive import Manifest, read_backup
from aldea.deploy.backup.copying import restore_postgresql
from aldea.deploy.backup.places import BackupError, Places
from aldea.deploy.words import said, sentence_of
from aldea.model.rollouts import RolloutState
from aldea.storage.register import RegisterError, open_register
from aldea.storage.register.audit import audit
from aldea.storage.register.restored import note_restored
from aldea.storage.register.rollouts import change_rollout, open_rollout

if TYPE_CHECKING:
    from collections.abc import Callable

LOGS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database: an old one beside a new file would be played back into it."""


def restore_backup(
    archive: Path, places: Places, now_ms: int, progress: Callable[[int, int, str], None]
) -> tuple[Manifest, Path | None]:
    """Put a backup's files where they belong; return its manifest and where the old ones are kept, if there were any.

    Everything is unpacked and checked before the first file is touched. Aldea must not be running.
    Raises BackupError.
    """
    places.data.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        _lock(places, stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=places.data, prefix=".restore-")))
        progress(0, 3, archive.name)
        manifest = read_backup(archive, folder)
        targets = {entry.name: _target(places, entry.name, entry.kind) for entry in manifest.entries}
        progress(1, 3, "register")
        _check_register(folder, manifest)
        for entry in manifest.entries:
            if entry.kind == "postgresql":
                restore_postgresql(make_url(places.register_url), folder / entry.name)
        progress(2, 3, str(places.data))
        kept = _put(folder, {name: target for name, target in targets.items() if target is not None}, places, now_ms)
    _migrate(places, now_ms)
    progress(3, 3, str(places.data))
    return manifest, kept


def _lock(places: Places, stack: ExitStack) -> None:
    try:
        stack.callback(FolderLock(places.data, "aldea").release)
        for folder in places.collectors():
            stack.callback(DataLock(folder / "collector.lock").release)
    except (AlreadyRunning, JournalError) as error:
        raise BackupError(
            said("%(why)s A backup is put back while Aldea is stopped.", why=sentence_of(error))
        ) from error


def _target(places: Places, name: str, kind: str) -> Path | None:
    if kind != "postgresql":
        return places.target_of(name)
    if places.register_file() is not None:
        raise BackupError(
            said(
                "the backup's register is of PostgreSQL: name the database to put it into with --register %(url)s",
                url="postgresql+psycopg://user@host/database",
            )
        )
    return None


def _check_register(folder: Path, manifest: Manifest) -> None:
    """Refuse a register that is newer than this program, before anything is touched."""
    if any(entry.name == "register.db" for entry in manifest.entries):
        register = open_register(f"sqlite:///{folder / 'register.db'}")
        try:
            register.migrate()
        except RegisterError as error:
            raise BackupError(
                said("the backup's register can't be used by this Aldea: %(why)s", why=sentence_of(error))
            ) from error
        finally:
            register.close()


def _put(folder: Path, targets: dict[str, Path], places: Places, now_ms: int) -> Path | None:
    moment = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    aside = places.data / f"before-restore-{moment}"
    try:
        for name, target in targets.items():
            for old in (target, *(target.with_name(target.name + log) for log in LOGS)):
                if old.exists():
                    kept = aside / Path(name).parent / old.name
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    old.replace(kept)
            target.parent.mkdir(parents=True, exist_ok=True)
            (folder / name).replace(target)
    except OSError as error:
        raise BackupError(
            said(
                "the backup could not be put back whole: %(why)s. What was there before is in %(folder)s; "
                "mend the cause and restore again",
                why=error,
                folder=aside,
            )
        ) from error
    return aside if aside.exists() else None


def _migrate(places: Places, now_ms: int) -> None:
    """Bring the register up to this program, and pause the rollout that was under way in it.

    It may have been halted or ended since the backup was taken: a person decides whether it goes on. What devices were
    sent since is not known here either.
    """
    register = open_register(places.register_url)
    try:
        register.migrate()
        with register.transaction() as unit:
            note_restored(unit, now_ms)
            found = open_rollout(unit)
            if found is not None and found.rollout.state is RolloutState.RUNNING:
                change_rollout(unit, RolloutState.PAUSED, now_ms)
                audit(unit, None, "rollout_paused", found.rollout.version, {"by": "restore"}, now_ms)
    except RegisterError as error:
        raise BackupError(said("the restored register can't be used: %(why)s", why=sentence_of(error))) from error
    finally:
        register.close()
