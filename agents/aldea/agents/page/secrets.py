"""What the page keeps secret on the box: the key of its forms' tokens, and the PIN's hash. Files of mode 0600."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KEY_FILE = "page.key"
_KEY_BYTES = 32


def form_key(folder: Path) -> bytes:
    """Return the key of the forms' tokens, made at the first call; it survives restarts, so that a form does too.

    Where the folder can't be written, the key is good for this process alone.
    """
    path = folder / KEY_FILE
    try:
        found = path.read_bytes()
        if len(found) == _KEY_BYTES:
            return found
    except OSError:
        found = b""
    made = secrets.token_bytes(_KEY_BYTES)
    try:
        write_private(path, made)
    except OSError:
        return made
    return made


def write_private(path: Path, content: bytes) -> None:
    """Replace a file whole, readable by us alone. Raises OSError, and then the old one is still there."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
