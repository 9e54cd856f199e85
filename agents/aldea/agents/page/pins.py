"""The facilitator's PIN: made on the box or sent from afar, kept as a hash. No web in here."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from aldea.agents.whole_file import write_whole

_LOG = logging.getLogger(__name__)
FILE = "page.pin"
SHORTEST, LONGEST, MADE = 4, 8, 6
_EASY = {"0123", "1234", "2345", "3456", "4567", "5678", "6789", "12345", "123456", "1234567", "12345678", "4321"}
# 8 MB for a moment: dear for who has stolen the file, affordable on a small box.
_COST, _BLOCK = 2**13, 8


def is_pin(text: str) -> bool:
    """Say whether a text can be a PIN: 4 to 8 digits."""
    return SHORTEST <= len(text) <= LONGEST and text.isascii() and text.isdigit()


def is_easy(pin: str) -> bool:
    """Say whether a PIN is among the first that anybody tries."""
    return pin in _EASY or len(set(pin)) == 1


def new_pin() -> str:
    """Return a random PIN of six digits that isn't an easy one."""
    while True:
        pin = f"{secrets.randbelow(10**MADE):0{MADE}}"
        if not is_easy(pin):
            return pin


def hash_pin(pin: str) -> str:
    """Return what may be kept of a PIN: `scrypt$<salt>$<hash>`."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_digest(pin, salt).hex()}"


def is_right(pin: str, hashed: str) -> bool:
    """Say whether `pin` is the one that `hashed` was made of; False for a hash that is none."""
    kind, _, rest = hashed.partition("$")
    salt, _, digest = rest.partition("$")
    try:
        return kind == "scrypt" and hmac.compare_digest(_digest(pin, bytes.fromhex(salt)), bytes.fromhex(digest))
    except ValueError:
        return False


def _digest(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_COST, r=_BLOCK, p=1, dklen=32)


@dataclass(frozen=True, slots=True)
class PinStore:
    """The PIN's hash in a data folder, and the one from the settings (`page.pin_hash`), whichever is newer.

    The file remembers which hash the settings had when it was written: while they still have it, the file holds;
    once they have another one, somebody has set a new PIN from afar, and that one holds.
    """

    folder: Path
    from_settings: str | None

    def current(self, before: str | None = None) -> str | None:
        """Return the hash that holds, None while there is no PIN. Reads the file each time: a command may set it.

        `before`: the one that held when the file could be read last; a disk that fails takes no PIN away.
        """
        try:
            kept = json.loads((self.folder / FILE).read_text(encoding="ascii"))
            pin, instead_of = kept["pin"], kept["instead_of"]
        except FileNotFoundError:
            return self.from_settings
        except OSError as error:
            _LOG.error("%s cannot be read now: %s", self.folder / FILE, error)
            return before or self.from_settings
        except (ValueError, TypeError, KeyError) as error:
            _LOG.error("%s cannot be read (%s); a new PIN is needed: aldea agent pin", self.folder / FILE, error)
            return self.from_settings
        if self.from_settings is not None and instead_of != self.from_settings:
            return self.from_settings
        return pin if isinstance(pin, str) else None

    def set(self, pin: str) -> None:
        """Keep a PIN. Raises OSError when the folder can't be written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {"pin": hash_pin(pin), "instead_of": self.from_settings}
        write_whole(self.folder / FILE, json.dumps(kept).encode())
