"""Disks on which not everything goes well."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def fill(folder: Path) -> None:
    """Leave not a byte."""
    with (folder / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 1024)
        except OSError:
            return


def spoil_leaves(path: Path, count: int) -> None:
    """Overwrite some pages in the middle of the table of waiting rows."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        (size,) = db.execute("PRAGMA page_size").fetchone()
        query = "SELECT pageno FROM dbstat WHERE name = 'waiting' AND pagetype = 'leaf' ORDER BY path"
        pages = [row[0] for row in db.execute(query)]
    with path.open("r+b") as file:
        for page in pages[len(pages) // 2 :][:count]:
            file.seek((page - 1) * size)
            file.write(b"\xaa" * size)
