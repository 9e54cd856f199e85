"""Makes a manifest from wheels, signs it, and checks signatures. What it says of a wheel is read from the wheel."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import zipfile
from collections.abc import Callable, Sequence
from email.parser import HeaderParser
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from aldea.deploy.words import said
from aldea.model.release import (
    Manifest,
    ReleaseError,
    ReleaseFile,
    SignedRelease,
    read_manifest,
    read_release,
    signed_bytes,
    signed_document,
)
from aldea.model.release import document_of as as_document

_FORMATS = "aldea/agents/outbox/formats.py"
_SELFTEST = "aldea/agents/upgrading/selftest.py"
_FROM = re.compile(r">=\s*(3\.\d+)")


def manifest_of(wheels: Sequence[Path], *, replaces: str | None = None) -> Manifest:
    """Return the manifest of these wheels; one of them must be Aldea's own. Raises ReleaseError, OSError.

    `replaces`: it is to go back from versions up to this one.
    """
    own = [path for path in wheels if path.name.startswith("aldea-")]
    if len(own) != 1:
        raise ReleaseError(said("give Aldea's own wheel (aldea-….whl), and besides it those of new dependencies alone"))
    version, python = _about(own[0])
    others = sorted((path for path in wheels if path != own[0]), key=lambda path: path.name)
    files = tuple(_file(path) for path in (own[0], *others))
    made = Manifest(version, python, _outbox_format(own[0]), files, replaces is not None, replaces)
    return read_manifest(as_document(made))


def sign(manifest: Manifest, key: Ed25519PrivateKey) -> SignedRelease:
    """Return the manifest with its signature."""
    return SignedRelease(manifest, key.sign(signed_bytes(manifest)))


def is_signed_by(release: SignedRelease, keys: Sequence[bytes]) -> bool:
    """Say whether one of the public keys (32 bytes each) has signed the release."""
    for key in keys:
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(release.signature, signed_bytes(release.manifest))
        except InvalidSignature:
            continue
        return True
    return False


def write_release(path: Path, release: SignedRelease) -> None:
    """Write a signed release to a file. Raises OSError."""
    path.write_text(json.dumps(signed_document(release), indent=1) + "\n", encoding="utf-8")


def load_release(path: Path) -> SignedRelease:
    """Read what `write_release` wrote. Raises ReleaseError, OSError."""
    try:
        return read_release(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        if isinstance(error, ReleaseError):
            raise
        raise ReleaseError(said("%(file)s is no manifest: %(why)s", file=path, why=error)) from error


def wheels_of(release: SignedRelease, folder: Path) -> dict[str, bytes]:
    """Return the files that a release names, from `folder`. Raises ReleaseError, OSError."""
    found = {}
    for file in release.manifest.files:
        path = folder / file.name
        if not path.is_file():
            raise ReleaseError(said("%(file)s is missing: the wheels must be beside the manifest", file=path))
        found[file.name] = path.read_bytes()
    return found


def _file(path: Path) -> ReleaseFile:
    content = path.read_bytes()
    return ReleaseFile(path.name, len(content), hashlib.sha256(content).hexdigest())


def _about(wheel: Path) -> tuple[str, str]:
    """Return version and oldest Python, as the wheel's metadata have them."""
    names, text = _read(wheel, lambda name: name.endswith(".dist-info/METADATA"))
    if _SELFTEST not in names:
        raise ReleaseError(
            said("%(file)s cannot test itself at a site: it is older than upgrades from afar", file=wheel.name)
        )
    about = HeaderParser().parsestr(text)
    python = _FROM.search(str(about.get("Requires-Python", "")))
    return str(about["Version"]), "3.11" if python is None else python[1]


def _outbox_format(wheel: Path) -> int:
    _, text = _read(wheel, lambda name: name == _FORMATS)
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and [ast.unparse(item) for item in node.targets] == ["OUTBOX_FORMAT"]:
            return int(ast.literal_eval(node.value))
    raise ReleaseError(said("%(file)s does not say in which format it leaves the outbox", file=wheel.name))


def _read(wheel: Path, wanted: Callable[[str], bool]) -> tuple[set[str], str]:
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            found = [name for name in names if wanted(name)]
            if not found:
                raise ReleaseError(said("%(file)s is no wheel of Aldea's agent", file=wheel.name))
            return set(names), archive.read(found[0]).decode("utf-8")
    except (zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise ReleaseError(said("%(file)s is no wheel: %(why)s", file=wheel.name, why=error)) from error
