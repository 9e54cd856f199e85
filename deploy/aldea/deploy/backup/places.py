"""What belongs into a backup, and in which order it is copied."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from aldea.deploy.words import said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL


class BackupError(Exception):
    """A backup can't be taken or put back; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is copied: `kind` is `sqlite`, `postgresql` or `file`; `name` its place within the archive."""

    name: str
    kind: str
    path: Path | None = None
    url: URL | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where an Aldea keeps things: its data folder, and its two stores, which may be elsewhere."""

    data: Path
    register_url: str
    series_url: str

    def parts(self) -> Iterator[Part]:
        """Yield what there is to copy, in the order in which it has to be copied.

        What follows is copied before what it follows: the journal's cursors before the stores that they
        speak of, and the journal last. A cursor that is too old writes some rows again, which changes
        nothing; one that is too new would leave rows out.
        """
        yield from self._files("simulator", "*.json")
        yield from self._files("broker", "*")
        for folder in self.collectors():
            yield from self._sqlite(folder / "cursors.db")
        yield self._register()
        series = self.series_file()
        if series is not None and series.exists():
            yield Part("series.db", "sqlite", series)
        for folder in self.collectors():
            yield from self._sqlite(folder / "journal.db")

    def collectors(self) -> list[Path]:
        """Return the folders that hold a journal: of the all-in-one server, or of a collector of its own."""
        return [folder for folder in (self.data / "collector", self.data) if (folder / "journal.db").exists()]

    def series_file(self) -> Path | None:
        """Return the series store's file, None where the series are kept by another server."""
        return _file_of(self.series_url)

    def register_file(self) -> Path | None:
        """Return the register's file, None where it is in PostgreSQL."""
        return _file_of(self.register_url)

    def target_of(self, name: str) -> Path:
        """Return where a file of the archive belongs. Raises BackupError for a name that is none of ours."""
        if name == "register.db":
            found = self.register_file()
        elif name == "series.db":
            found = self.series_file()
        else:
            found = self.data / name
        if found is None or ".." in Path(name).parts or Path(name).is_absolute():
            raise BackupError(
                said(
                    "the backup has %(name)r, for which there is no place here: check --register and --series",
                    name=name,
                )
            )
        return found

    def _register(self) -> Part:
        path = self.register_file()
        if path is None:
            return Part("register.pgdump", "postgresql", url=make_url(self.register_url))
        if not path.exists():
            raise BackupError(
                said(
                    "there is no register at %(file)s: name the folder with ALDEA_DATA, or the register's URL",
                    file=path,
                )
            )
        return Part("register.db", "sqlite", path)

    def _sqlite(self, path: Path) -> Iterator[Part]:
        if path.exists():
            yield Part(str(path.relative_to(self.data)), "sqlite", path)

    def _files(self, folder: str, pattern: str) -> Iterator[Part]:
        for path in sorted((self.data / folder).glob(pattern)):
            # A log and a socket are no memory.
            if path.is_file() and path.suffix not in {".log", ".lock", ".pid", ".db"}:
                yield Part(str(path.relative_to(self.data)), "file", path)


def _file_of(url: str) -> Path | None:
    """Return the file of an SQLite URL, None for any other."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None
