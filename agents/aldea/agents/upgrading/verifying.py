"""Is a release ours, and can it be used here? Signature, version, Python, outbox format: before anything is fetched."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from aldea.agents.outbox.formats import READABLE_FORMATS
from aldea.model.release import Manifest, ReleaseError, public_keys, read_release, signed_bytes, version_key


def accepted(payload: Mapping[str, Any], keys_pem: str | None, own_version: str) -> Manifest:
    """Return the manifest of a release that may be taken. Raises ReleaseError with a sentence."""
    if keys_pem is None:
        raise ReleaseError(
            "this agent knows no key for releases, so it takes none from afar: enrol it again once the server has one, "
            "or install it with --release-key"
        )
    release = read_release({"manifest": payload.get("manifest"), "signature": payload.get("signature")})
    if not is_signed(signed_bytes(release.manifest), release.signature, public_keys(keys_pem)):
        raise ReleaseError("the release is not signed by a key that this agent trusts")
    _refuse(release.manifest, own_version)
    return release.manifest


def _refuse(manifest: Manifest, own_version: str) -> None:
    major, minor = (int(part) for part in manifest.python.split("."))
    if sys.version_info < (major, minor):
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ReleaseError(f"it needs Python {manifest.python} and there is {own} here")
    if manifest.outbox_format not in READABLE_FORMATS:
        raise ReleaseError(
            f"it would leave the outbox in format {manifest.outbox_format}, which this version could not read back: a "
            "release between them is needed first"
        )
    try:
        older = version_key(manifest.version) < version_key(own_version)
    except ReleaseError:
        return  # what runs here has no version that could be compared
    if older and not manifest.downgrade:
        raise ReleaseError(
            f"version {manifest.version} is older than {own_version}, and was not signed as a downgrade: sign it with "
            "--downgrade if that is meant"
        )


def is_signed(content: bytes, signature: bytes, keys: Sequence[bytes]) -> bool:
    """Say whether one of the keys has made the signature (Ed25519, RFC 8032)."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - large, and rarely needed
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above

    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(signature, content)
        except InvalidSignature:
            continue
        return True
    return False
