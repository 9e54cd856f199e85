"""A folder of backups: names by time, and only the newest of them are kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = re.compile(r"aldea-\d{8}T\d{6}Z\.tar\.gz")


def backup_name(now_ms: int) -> str:
    """Return the name of a backup that is taken now; names sort by time."""
    return f"aldea-{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%dT%H%M%SZ}.tar.gz"


def backups(folder: Path) -> list[Path]:
    """Return the backups in a folder, the oldest first; other files are none of ours."""
    return sorted(path for path in folder.glob("aldea-*.tar.gz") if NAME.fullmatch(path.name))


def prune(folder: Path, keep: int) -> list[Path]:
    """Delete all but the newest `keep` (at least one) and return what went."""
    gone = backups(folder)[: -max(1, keep)]
    for path in gone:
        path.unlink()
    return gone
