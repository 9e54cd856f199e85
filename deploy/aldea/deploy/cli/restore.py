"""`aldea restore`.

Unpacks and checks a backup, then puts it where Aldea keeps things. What was there before is moved aside, not deleted.
Aldea must be stopped. With --check nothing is touched.

example:
  ALDEA_DATA=/var/lib/aldea aldea restore /mnt/usb/aldea-20261122T093000Z.tar.gz
"""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.deploy.backup.archive import read_backup
from aldea.deploy.backup.places import BackupError
from aldea.deploy.backup.restoring import restore_backup
from aldea.deploy.cli.backup import places_of
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import add_register_option, add_series_option, opened_register
from aldea.deploy.cli.steps import steps
from aldea.deploy.words import said, tell
from aldea.model.clock import SystemClock
from aldea.storage.register.rollouts import list_rollouts

if TYPE_CHECKING:
    import argparse

    from aldea.deploy.backup.archive import Manifest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("file", type=Path, help=_("the backup"))
    add_register_option(parser)
    add_series_option(parser)
    parser.add_argument("--check", action="store_true", help=_("only look whether the backup is whole"))


def run(arguments: argparse.Namespace) -> int:
    """Put a backup back."""
    try:
        if arguments.check:
            with tempfile.TemporaryDirectory() as folder:
                found = _what(read_backup(arguments.file, Path(folder)))
            tell(said("%(file)s is whole: %(what)s", file=arguments.file, what=found), arguments)
            return OK
        with steps(said("restore"), arguments) as progress:
            manifest, kept = restore_backup(arguments.file, places_of(arguments), SystemClock().wall_ms(), progress)
    except BackupError as error:
        raise CommandError(error) from error
    tell(said("Restored: %(what)s", what=_what(manifest)), arguments)
    with opened_register(arguments) as register, register.reading() as unit:
        newest = next(iter(list_rollouts(unit, limit=1)), None)
    if newest is not None and not newest.rollout.state.is_over:
        version, state = newest.rollout.version, newest.rollout.state.value
        tell(
            said(
                "The rollout of version %(version)s is %(state)s: look at it (aldea release show) before it goes on.",
                version=version,
                state=state,
            ),
            arguments,
        )
    if kept is not None:
        tell(said("What was there before is in %(folder)s; delete it once all is well.", folder=kept), arguments)
    return OK


def _what(manifest: Manifest) -> str:
    taken = datetime.fromtimestamp(manifest.taken_ms / 1000, UTC)
    return said(
        "taken %(moment)s UTC by Aldea %(version)s, %(files)s files.",
        moment=f"{taken:%Y-%m-%d %H:%M}",
        version=manifest.aldea,
        files=len(manifest.entries),
    )
