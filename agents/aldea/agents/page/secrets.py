"""What the page keeps secret on the box: the key of its forms' tokens, and the PIN's hash. Files of mode 0600."""

from __future__ import annotations

import secrets
from pathlib import Path

from aldea.agents.whole_file import write_whole

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
        write_whole(path, made)
    except OSError:
        return made
    return made
