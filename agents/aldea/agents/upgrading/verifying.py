"""Is a release ours, and can it be used here? Signature, version, Python, outbox format: before anything is fetched."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aldea.agents.outbox.formats import READABLE_FORMATS
from aldea.agents.upgrading.folder import Releases
from aldea.model.release import Manifest, ReleaseError, is_older, public_keys, read_release, signed_bytes


class NoKey(ReleaseError):
    """This agent knows nobody who may sign releases."""


def accepted(payload: Mapping[str, Any], keys_pem: str | None, own_version: str, newest: str | None) -> Manifest:
    """Return the manifest of a release that may be taken; `newest` is the newest that was ever kept here.

    Raises ReleaseError with a sentence.
    """
    if keys_pem is None:
        raise NoKey(
            "this agent knows no key for releases, so it takes none from afar: at the device, sh install.sh "
            "--release-key release.pub, or enrol it again",
            "este agente no conoce ninguna llave de versiones, por eso no acepta ninguna a distancia: en el equipo, "
            "sh install.sh --release-key release.pub, o inscribirlo otra vez",
        )
    release = read_release({"manifest": payload.get("manifest"), "signature": payload.get("signature")})
    if not is_signed(signed_bytes(release.manifest), release.signature, public_keys(keys_pem)):
        raise ReleaseError(
            "the release is not signed by a key that this agent trusts",
            "la versión no está firmada con una llave en la que este agente confía",
        )
    if release.manifest.version != own_version:
        _refuse(release.manifest)
        if (floor := floor_of(release.manifest.version, own_version, newest)) is not None:
            _refuse_older(release.manifest, floor)
    return release.manifest


def floor_of(version: str, own_version: str, newest: str | None) -> str | None:
    """Return what a version would follow although it is older: what runs, or was kept here once; None: nothing."""
    floor = None
    for known in (own_version, newest):
        try:
            if known is not None and is_older(version, known) and (floor is None or is_older(floor, known)):
                floor = known
        except ReleaseError:
            continue  # what runs here has no version that could be compared
    return floor


def _refuse(manifest: Manifest) -> None:
    major, minor = (int(part) for part in manifest.python.split("."))
    if sys.version_info < (major, minor):
        own = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ReleaseError(
            f"it needs Python {manifest.python} and there is {own} here",
            f"necesita Python {manifest.python} y aquí hay {own}",
        )
    if manifest.outbox_format not in READABLE_FORMATS:
        raise ReleaseError(
            f"it would leave the outbox in format {manifest.outbox_format}, which this version could not read back: a "
            "release between them is needed first",
            f"dejaría la bandeja de salida en el formato {manifest.outbox_format}, que la versión de ahora no podría "
            "leer: primero hace falta una versión intermedia",
        )


def _refuse_older(manifest: Manifest, floor: str) -> None:
    """Refuse what is older than `floor`, unless its signature allows just that.

    Whoever has the server can send any release that was ever signed: an old one with a known fault is one of them.
    """
    version = manifest.version
    if manifest.replaces is None:
        raise ReleaseError(
            f"version {version} is older than {floor}, and was not signed to replace it: sign it with "
            f"--downgrade-from {floor} if that is meant",
            f"la versión {version} es anterior a la {floor} y no se firmó para reemplazarla: si eso se quiere, "
            f"fírmela con --downgrade-from {floor}",
        )
    if is_older(manifest.replaces, floor):
        raise ReleaseError(
            f"version {version} was signed to replace versions up to {manifest.replaces}, and {floor} was kept here: "
            f"sign it with --downgrade-from {floor} if that is meant",
            f"la versión {version} se firmó para reemplazar hasta la {manifest.replaces}, y aquí ya se usó la {floor}: "
            f"si eso se quiere, fírmela con --downgrade-from {floor}",
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


def forgive(releases: Releases, version: str, *, again: bool) -> None:
    """Refuse a version that was bad here; with `again` forget that it was, for what is bad is removed at each start."""
    state = releases.read()
    why = state.bad.get(version)
    if why is None:
        return
    if not again:
        raise ReleaseError(
            f"version {version} was tried here before and given up: {why}",
            f"la versión {version} ya se probó aquí y se dejó; para probarla otra vez hay que distribuirla de nuevo",
        )
    releases.write(replace(state, bad={name: reason for name, reason in state.bad.items() if name != version}))
