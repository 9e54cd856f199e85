"""The parts of a release's files on disk, while they are fetched."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from aldea.model.release import Manifest, ReleaseFile


def there(manifest: Manifest, folder: Path) -> int:
    """Return how many bytes of a release are there."""
    return sum(
        file.size_bytes if (folder / file.name).exists() else size(folder / f"{file.name}.part")
        for file in manifest.files
    )


def is_there(path: Path, file: ReleaseFile) -> bool:
    """Say whether a file is whole, and what was signed."""
    return size(path) == file.size_bytes and _digest(path) == file.sha256


def size(path: Path) -> int:
    """Return how many bytes a file has; 0 for none."""
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def put(path: Path, first: int, content: bytes) -> None:
    """Write at a place: a thread that outlived its task may have done so already."""
    path.touch()
    with path.open("r+b") as file:
        file.seek(first)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
