"""The key that signs releases. It stays with a person; the server and the agents know its public half alone."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from aldea.deploy.words import said
from aldea.model.release import ReleaseError

PRIVATE, PUBLIC = "release.key", "release.pub"


def make_keys(folder: Path, passphrase: bytes | None) -> tuple[Path, Path]:
    """Make a key pair in `folder`; return the private file (mode 0600) and the public one. Raises OSError.

    With a passphrase the private file is encrypted. Files that are there are never overwritten.
    """
    key = Ed25519PrivateKey.generate()
    locked: KeySerializationEncryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    folder.mkdir(parents=True, exist_ok=True)
    private, public = folder / PRIVATE, folder / PUBLIC
    _write(private, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked), 0o600)
    _write(public, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), 0o644)
    return private, public


def load_key(path: Path, passphrase: bytes | None) -> Ed25519PrivateKey:
    """Read a private key. Raises ReleaseError with a sentence, OSError."""
    try:
        key = load_pem_private_key(path.read_bytes(), passphrase)
    except TypeError as error:
        if passphrase is None:
            raise ReleaseError(said("%(file)s is encrypted: give its passphrase", file=path)) from error
        raise ReleaseError(said("%(file)s has no passphrase: give none", file=path)) from error
    except ValueError as error:
        raise ReleaseError(
            said("%(file)s cannot be read as a private key, or the passphrase is wrong", file=path)
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ReleaseError(said("%(file)s is a key of another kind: make one with `aldea release keygen`", file=path))
    return key


def is_locked(path: Path) -> bool:
    """Say whether a private key needs a passphrase. Raises OSError."""
    return b"ENCRYPTED" in path.read_bytes()[:200]


def _write(path: Path, content: bytes, mode: int) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(number, "wb") as file:
        file.write(content)
        os.fchmod(number, mode)
        file.flush()
        os.fsync(number)
