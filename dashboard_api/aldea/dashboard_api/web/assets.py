"""The few files pages need, served from memory under an address that changes with their content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file with its type; `tag` is the beginning of its content's digest."""

    name: str
    media_type: str
    content: bytes
    tag: str

    @property
    def address(self) -> str:
        """Where it is served."""
        return f"/static/{self.tag}/{self.name}"


def load_assets() -> Mapping[str, Asset]:
    """Read every file once, by name."""
    found: dict[str, Asset] = {}
    for path in sorted(STATIC.iterdir()):
        if path.suffix in TYPES:
            content = path.read_bytes()
            tag = hashlib.sha256(content).hexdigest()[:12]
            found[path.name] = Asset(path.name, TYPES[path.suffix], content, tag)
    return found
