"""Which version of a package is installed."""

from __future__ import annotations

import sys
from pathlib import Path

UNKNOWN = "unknown"


def installed_version(package: str) -> str | None:
    """Return the version of an installed package, None where there is none.

    Of several on the path it is the first, as for imports. The standard library's way would load what reads
    archives, tables and mail: a megabyte for one line of a file.
    """
    folder_name = package.replace("-", "_")
    for folder in sys.path:
        for metadata in sorted(Path(folder).glob(f"{folder_name}-*.dist-info/METADATA")):
            version = _version_in(metadata)
            if version:
                return version
    return None


def _version_in(metadata: Path) -> str:
    try:
        lines = metadata.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    # The head is over at the first empty line; what follows is the package's own text.
    head = lines[: lines.index("")] if "" in lines else lines
    return next((line.partition(":")[2].strip() for line in head if line.startswith("Version:")), "")
