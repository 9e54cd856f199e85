"""`aldea backup`.

Copies the register, the series, the journal and the broker's credentials into one file, while Aldea runs. The file
holds people's contact addresses and passwords' digests: keep it like the originals, on another machine.

example:
  ALDEA_DATA=/var/lib/aldea aldea backup --to /mnt/usb --keep 7
"""

from __future__ import annotations

import json
from dataclasses import asdict
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.deploy.backup.archive import Manifest, take_backup
from aldea.deploy.backup.keeping import backup_name, prune
from aldea.deploy.backup.places import BackupError, Places
from aldea.deploy.cli.main import OK, CommandError
from aldea.deploy.cli.places import (
    add_register_option,
    add_series_option,
    data_folder,
    default_register_url,
    default_series_url,
)
from aldea.deploy.cli.steps import steps
from aldea.deploy.words import said, tell
from aldea.model.clock import SystemClock
from aldea.model.said import joined

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_register_option(parser)
    add_series_option(parser)
    parser.add_argument(
        "--to", type=Path, metavar="PLACE", help=_("a folder, or a file (.tar.gz); default: data/backups")
    )
    parser.add_argument("--keep", type=int, metavar="N", help=_("delete all but the newest N in the folder"))
    parser.add_argument("--json", action="store_true", help=_("print what was taken as JSON"))


def run(arguments: argparse.Namespace) -> int:
    """Take a backup."""
    now_ms = SystemClock().wall_ms()
    to: Path = arguments.to or data_folder() / "backups"
    target = to if to.name.endswith(".tar.gz") else to / backup_name(now_ms)
    if arguments.keep is not None and arguments.keep < 1:
        raise CommandError(said("--keep is less than 1: at least the backup just taken is kept"))
    try:
        with steps(said("backup"), arguments, quiet=arguments.json) as progress:
            manifest = take_backup(places_of(arguments), target, now_ms, progress)
    except BackupError as error:
        raise CommandError(error) from error
    gone = prune(target.parent, arguments.keep) if arguments.keep else []
    if arguments.json:
        print(_as_json(target, manifest))
    else:
        tell(_as_text(target, manifest, len(gone)), arguments)
    return OK


def places_of(arguments: argparse.Namespace) -> Places:
    """Return where things are, as the command was told."""
    return Places(
        data_folder().resolve(), arguments.register or default_register_url(), arguments.series or default_series_url()
    )


def _as_json(target: Path, manifest: Manifest) -> str:
    return json.dumps({"file": str(target), "size_bytes": target.stat().st_size, **asdict(manifest)}, indent=1)


def _as_text(target: Path, manifest: Manifest, gone: int) -> str:
    megabytes = f"{target.stat().st_size / 1e6:,.1f}"
    files = len(manifest.entries)
    lines = [
        said(
            "%(file)s: %(megabytes)s MB, %(files)s files, each looked at.",
            file=target,
            megabytes=megabytes,
            files=files,
        )
    ]
    if "series" in manifest.left_out:
        lines.append(said("The series are kept by another server: back them up with its own tools (docs/backup.md)."))
    if gone:
        lines.append(said("%(count)s older backups were deleted.", count=gone))
    return joined(lines, "\n")
