"""Is a release in the register still signed by a key that is trusted? A key may have been stolen since it was added."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from aldea.model.release import SignedRelease, signed_bytes
from aldea.storage.register.register import Unit
from aldea.storage.register.releases import TRUSTED, trusted_keys
from aldea.storage.register.settings import get_setting


def is_trusted(unit: Unit, release: SignedRelease) -> bool:
    """Say whether one of the keys that are trusted now has made its signature (Ed25519, RFC 8032).

    True as well where no key was ever trusted: then no device was told one by this server, and each decides alone.
    """
    if get_setting(unit, TRUSTED) is None:
        return True
    content = signed_bytes(release.manifest)
    return any(_has_made(key, release.signature, content) for key in trusted_keys(unit))


def _has_made(key: bytes, signature: bytes, content: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
    except InvalidSignature:
        return False
    return True
