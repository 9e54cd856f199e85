"""The roster's backup: a file that tells nothing without its passphrase.

scrypt (N 16384, r 8, p 5) makes the key of the passphrase and a random salt; AES-256-GCM seals the content and
guards the header. Layout: a line that names the format, 16 bytes of salt, 12 of nonce, the sealed JSON, deflated:
so a whole roster fits into what the page takes. What makes the key is fixed: no file can ask for more memory.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import zlib
from dataclasses import asdict, dataclass

from aldea.agents.records.roster import MOST_PEOPLE, Person, Roster, RosterError, checked

HEADER = b"aldea-roster-1\n"
LEAST_PASSPHRASE = 10
MOST_CONTENT_BYTES = 1 << 20
_SALT, _NONCE = 16, 12
_ONE_AT_A_TIME = threading.Lock()
"""A key takes 16 MB while it is made."""


class SealError(Exception):
    """A backup cannot be made or opened; `why` is a key of the page's sentences (`short`, `foreign`, `closed`)."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Merging:
    """What putting a backup in would do: people who are new, who are the same, and who differ (here, backup)."""

    new: tuple[Person, ...]
    same: int
    differ: tuple[tuple[Person, Person], ...]


def seal(people: tuple[Person, ...], passphrase: str) -> bytes:
    """Return the sealed file. Raises SealError (`short`) for a passphrase that could be guessed."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - large, and seldom needed

    if len(passphrase.strip()) < LEAST_PASSPHRASE:
        raise SealError("short")
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    content = json.dumps([asdict(person) for person in people], ensure_ascii=False).encode()
    return HEADER + salt + nonce + AESGCM(_key(passphrase, salt)).encrypt(nonce, zlib.compress(content, 9), HEADER)


def unseal(file: bytes, passphrase: str) -> tuple[Person, ...]:
    """Return the people of a sealed file.

    Raises SealError: `foreign` for another file, `closed` when the passphrase is wrong or the file was changed.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - large, and seldom needed
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - as above

    if not file.startswith(HEADER) or len(file) < len(HEADER) + _SALT + _NONCE + 16:
        raise SealError("foreign")
    rest = file[len(HEADER) :]
    salt, nonce, sealed = rest[:_SALT], rest[_SALT : _SALT + _NONCE], rest[_SALT + _NONCE :]
    try:
        content = AESGCM(_key(passphrase, salt)).decrypt(nonce, sealed, HEADER)
    except InvalidTag:
        raise SealError("closed") from None
    try:
        found = [
            checked(
                Person(str(one["code"]), str(one["name"]), str(one["sex"]), str(one["age_band"]), bool(one["gone"]))
            )
            for one in json.loads(_inflated(content))[:MOST_PEOPLE]
        ]
    except (ValueError, TypeError, KeyError, RecursionError, zlib.error, RosterError):
        raise SealError("foreign") from None
    return tuple(found)


def _inflated(content: bytes) -> bytes:
    inflating = zlib.decompressobj()
    found = inflating.decompress(content, MOST_CONTENT_BYTES)
    if not inflating.eof:
        raise ValueError("a roster is not that long")
    return found


def merging(roster: Roster, backup: tuple[Person, ...]) -> Merging:
    """Return what putting a backup in would do, by code."""
    new, differ, same = [], [], 0
    for person in backup:
        here = roster.find(person.code)
        if here is None:
            new.append(person)
        elif here == person:
            same += 1
        else:
            differ.append((here, person))
    return Merging(tuple(new), same, tuple(differ))


def _key(passphrase: str, salt: bytes) -> bytes:
    # The words count, not how they were spaced on the paper.
    words = " ".join(passphrase.split()).encode("utf-8", "surrogatepass")
    with _ONE_AT_A_TIME:
        return hashlib.scrypt(words, salt=salt, n=2**14, r=8, p=5, maxmem=2**26, dklen=32)
