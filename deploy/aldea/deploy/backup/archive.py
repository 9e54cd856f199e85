"""A backup is one tar file: what was copied, and a manifest that says what it is and how it must look."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aldea.deploy.backup.copying import check_sqlite, copy_part
from aldea.deploy.backup.places import BackupError
from aldea.deploy.os_words import reason_of
from aldea.deploy.words import said, sentence_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from aldea.deploy.backup.places import Part, Places

FORMAT = 1
MANIFEST = "manifest.json"
LITTLE_PACKING = 3
"""Of nine: what fills a backup, the series, is packed already."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a backup."""

    name: str
    kind: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; `left_out` names what has to be backed up by other means."""

    format: int
    aldea: str
    taken_ms: int
    entries: tuple[Entry, ...]
    left_out: tuple[str, ...] = ()


def take_backup(places: Places, target: Path, now_ms: int, progress: Callable[[int, int, str], None]) -> Manifest:
    """Copy everything into `target` (a `.tar.gz`), which appears when it is whole, readable by its owner alone.

    Aldea may run meanwhile. Raises BackupError; then there is no file.
    """
    parts = list(places.parts())
    left_out = () if places.series_file() is not None else ("series",)
    unfinished = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as folder:
            manifest = _copy(parts, Path(folder), now_ms, left_out, progress)
            progress(len(parts), len(parts) + 1, target.name)
            _write(manifest, Path(folder), unfinished)
        unfinished.replace(target)
    except OSError as error:
        raise BackupError(
            said("the backup can't be written to %(folder)s: %(why)s", folder=target.parent, why=reason_of(error))
        ) from error
    finally:
        with suppress(OSError):  # there may be no folder either
            unfinished.unlink()
    progress(len(parts) + 1, len(parts) + 1, target.name)
    return manifest


def read_backup(archive: Path, into: Path) -> Manifest:
    """Unpack a backup and look whether every file is what the manifest says. Raises BackupError."""
    try:
        with tarfile.open(archive, "r:gz") as packed:
            manifest = _manifest(packed)
            for entry in manifest.entries:
                packed.extract(packed.getmember(entry.name), into, filter="data")
    except FileNotFoundError as error:
        raise BackupError(said("there is no file %(file)s", file=archive)) from error
    except (OSError, tarfile.TarError, EOFError, KeyError, ValueError, TypeError) as error:
        raise BackupError(
            said("%(file)s is not a whole backup of Aldea: %(why)s", file=archive, why=sentence_of(error))
        ) from error
    for entry in manifest.entries:
        path = into / entry.name
        if _sha256(path) != entry.sha256:
            raise BackupError(
                said(
                    "%(part)s in %(file)s is not what was backed up: the file is damaged", part=entry.name, file=archive
                )
            )
        if entry.kind == "sqlite":
            check_sqlite(path)
    return manifest


def _copy(
    parts: list[Part],
    folder: Path,
    now_ms: int,
    left_out: tuple[str, ...],
    progress: Callable[[int, int, str], None],
) -> Manifest:
    entries = []
    for number, part in enumerate(parts):
        progress(number, len(parts) + 1, part.name)
        path = folder / part.name
        copy_part(part, path)
        entries.append(Entry(part.name, part.kind, path.stat().st_size, _sha256(path)))
    return Manifest(FORMAT, version("aldea"), now_ms, tuple(entries), left_out)


def _write(manifest: Manifest, folder: Path, target: Path) -> None:
    (folder / MANIFEST).write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w:gz", compresslevel=LITTLE_PACKING) as packed:
            for name in (MANIFEST, *(entry.name for entry in manifest.entries)):
                packed.add(folder / name, name, filter=_without_owner)
        file.flush()
        os.fsync(file.fileno())


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _manifest(packed: tarfile.TarFile) -> Manifest:
    member = packed.next()
    file = None if member is None or member.name != MANIFEST else packed.extractfile(member)
    if file is None:
        raise ValueError(said("it does not begin with a manifest"))
    document: dict[str, Any] = json.loads(file.read())
    if (found := document.get("format")) != FORMAT:
        raise ValueError(
            said(
                "its format is %(found)s, this Aldea reads %(format)s: use the Aldea that made it",
                found=found,
                format=FORMAT,
            )
        )
    entries = tuple(Entry(**entry) for entry in document.pop("entries"))
    left_out = tuple(document.pop("left_out"))
    return Manifest(**document, entries=entries, left_out=left_out)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
