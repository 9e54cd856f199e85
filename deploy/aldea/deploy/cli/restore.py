"""`aldea restore`.

Unpacks and checks a backup, then puts it where Aldea keeps things. What was there before is moved aside, not deleted.
Aldea must be stopped. With --check nothing is touched.

example:
  ALDEA_DATA=/var/lib/aldea aldea restore /mnt/usb/aldea-20261122T093000Z.tar.gz
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.deploy.backup.archive import read_backup
from aldea.deploy.backup.places import BackupError
from aldea.deploy.backup.restoring import restore_backup
from aldea.deploy.cli.backup import places_of
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, opened_register
from aldea.deploy.cli.steps import steps
from aldea.model.clock import SystemClock
from aldea.storage.register.rollouts import list_rollouts

if TYPE_CHECKING:
    import argparse

    from aldea.deploy.backup.archive import Manifest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, help="the backup")
    add_register_option(parser)
    parser.add_argument("--series", metavar="URL", help="the series store (ALDEA_SERIES_URL; default: series.db)")
    parser.add_argument("--check", action="store_true", help="only look whether the backup is whole")


def run(arguments: argparse.Namespace) -> int:
    """Put a backup back."""
    try:
        if arguments.check:
            with tempfile.TemporaryDirectory() as folder:
                print(f"{arguments.file} is whole: {_what(read_backup(arguments.file, Path(folder)))}")
            return OK
        with steps("restore") as progress:
            manifest, kept = restore_backup(arguments.file, places_of(arguments), SystemClock().wall_ms(), progress)
    except BackupError as error:
        raise CommandError(str(error)) from error
    print(f"Restored: {_what(manifest)}")
    with opened_register(arguments) as register, register.reading() as unit:
        newest = next(iter(list_rollouts(unit, limit=1)), None)
    if newest is not None and not newest.rollout.state.is_over:
        version, state = newest.rollout.version, newest.rollout.state.value
        print(f"The rollout of version {version} is {state}: look at it (aldea release show) before it goes on.")
    if kept is not None:
        print(f"What was there before is in {kept}; delete it once all is well.")
    return OK


def _what(manifest: Manifest) -> str:
    taken = datetime.fromtimestamp(manifest.taken_ms / 1000, UTC)
    return f"taken {taken:%Y-%m-%d %H:%M} UTC by Aldea {manifest.aldea}, {len(manifest.entries)} files."
