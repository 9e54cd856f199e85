"""What a release of the agent is: a manifest that somebody signed, and the wheels that it names.

Pure: the text that is signed, and reading it back with care. The signature itself is made and checked elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aldea.model.said import Said

FORMAT = 1
MOST_FILES = 12
LONGEST_VERSION = 40
LARGEST_BYTES = 64_000_000
SIGNED_PREFIX = b"aldea release 1\n"
"""What is signed begins with this, so that a signature for something else is never one for a release."""

_VERSION = re.compile(
    r"(\d{1,6}(?:\.\d{1,6}){0,4})(?:(a|b|rc)(\d{1,6}))?(?:\.post(\d{1,6}))?(?:\.dev(\d{1,6}))?", re.ASCII
)
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,120}\.whl")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PYTHON = re.compile(r"3\.[0-9]{1,2}")
_KEYS = re.compile(r"-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)-----END PUBLIC KEY-----")
_ED25519_DER = bytes.fromhex("302a300506032b6570032100")
_STAGES = {"a": 0, "b": 1, "rc": 2}
_FINAL = 3


class ReleaseError(ValueError):
    """It is no release that can be used; the message says why, `spanish` (where there is one) the same in Spanish."""

    def __init__(self, message: str, spanish: str = "") -> None:
        said = Said(message, spanish) if spanish else message
        super().__init__(said)
        self.spanish = said.es if isinstance(said, Said) else ""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One wheel."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release consists of.

    `python` is the oldest Python it runs on. `outbox_format` is the format in which it leaves the outbox: an agent
    takes the release only if it could read that itself, since it may have to go on from there. `downgrade`: it may
    follow a newer version, up to `replaces`; without that (as it was signed once) agents refuse to go back. The first
    of `files` is the agent's own wheel, others are of new dependencies.
    """

    version: str
    python: str
    outbox_format: int
    files: tuple[ReleaseFile, ...]
    downgrade: bool = False
    replaces: str | None = None

    @property
    def size_bytes(self) -> int:
        """All files together."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class SignedRelease:
    """A manifest with the signature (64 bytes, Ed25519) over `signed_bytes` of it."""

    manifest: Manifest
    signature: bytes


def signed_bytes(manifest: Manifest) -> bytes:
    """Return what the signature is over: the same for the same manifest, wherever it was written."""
    return SIGNED_PREFIX + json.dumps(document_of(manifest), sort_keys=True, separators=(",", ":")).encode()


def document_of(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest as JSON values. What is not said is left out: agents refuse a word that they do not know."""
    document = {"format": FORMAT, **asdict(manifest), "files": [asdict(file) for file in manifest.files]}
    if manifest.replaces is None:
        del document["replaces"]
    return document


def signed_document(release: SignedRelease) -> dict[str, Any]:
    """Return a release as JSON values: `manifest` and `signature` (base64)."""
    return {"manifest": document_of(release.manifest), "signature": base64.b64encode(release.signature).decode()}


def read_release(document: object) -> SignedRelease:
    """Read what `signed_document` made. Raises ReleaseError with a sentence. The signature is not checked here."""
    found = _table(document, "the release", "la versión")
    try:
        signature = base64.b64decode(str(found.get("signature")), validate=True)
    except binascii.Error as error:
        raise ReleaseError("signature is not base64", "la firma (signature) no es base64") from error
    if len(signature) != 64:
        size = len(signature)
        raise ReleaseError(
            f"signature has {size} bytes; expects 64 (Ed25519)", f"la firma tiene {size} bytes; se esperan 64 (Ed25519)"
        )
    return SignedRelease(read_manifest(found.get("manifest")), signature)


def read_manifest(document: object) -> Manifest:
    """Read a manifest. Raises ReleaseError with a sentence that names what is wrong."""
    found = _table(document, "manifest", "el manifiesto")
    if found.get("format") != FORMAT:
        given = f"{str(found.get('format'))[:20]!r}"
        raise ReleaseError(
            f"format is {given}, this version reads {FORMAT}", f"format es {given}, esta versión lee {FORMAT}"
        )
    if more := set(found) - {"format", "version", "python", "outbox_format", "files", "downgrade", "replaces"}:
        unknown = f"{min(more)[:40]!r}"
        raise ReleaseError(f"{unknown} is not known in a manifest", f"{unknown} no se conoce en un manifiesto")
    version, python = str(found.get("version")), str(found.get("python"))
    version_key(version)
    if _PYTHON.fullmatch(python) is None:
        raise ReleaseError(
            f"python is {python[:20]!r}; expects the oldest that will do, such as 3.11",
            f"python es {python[:20]!r}; se espera el más antiguo que sirva, como 3.11",
        )
    listed = found.get("files")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_FILES:
        raise ReleaseError(
            f"files must be a list of 1 to {MOST_FILES} wheels",
            f"files debe ser una lista de 1 a {MOST_FILES} wheels",
        )
    files = tuple(_file(item) for item in listed)
    if len({file.name for file in files}) != len(files):
        raise ReleaseError("a file is named twice", "un archivo aparece dos veces")
    downgrade, replaces = _going_back(found, version)
    manifest = Manifest(version, python, _whole(found, "outbox_format", 1, 1_000), files, downgrade, replaces)
    if manifest.size_bytes > LARGEST_BYTES:
        size = manifest.size_bytes
        raise ReleaseError(
            f"its files have {size} bytes together; at most {LARGEST_BYTES}",
            f"sus archivos suman {size} bytes; el máximo es {LARGEST_BYTES}",
        )
    return manifest


def version_key(version: str) -> tuple[Any, ...]:
    """Return what orders versions such as 1.2, 1.10.1rc2, 2.0.post1 or 2.1.dev3. Raises ReleaseError for others."""
    found = _VERSION.fullmatch(version)
    if found is None or len(version) > LONGEST_VERSION:
        raise ReleaseError(
            f"version is {version[:60]!r}; expects one such as 1.4.2 or 1.5rc1",
            f"la versión es {version[:60]!r}; se espera una como 1.4.2 o 1.5rc1",
        )
    numbers = [int(part) for part in found[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    stage, post, dev = found[2], found[4], found[5]
    if stage is None and post is None and dev is not None:
        rank = (-1, 0)
    else:
        rank = (_FINAL, 0) if stage is None else (_STAGES[stage], int(found[3]))
    return (tuple(numbers), *rank, -1 if post is None else int(post), dev is None, int(dev or 0))


def public_keys(text: str) -> tuple[bytes, ...]:
    """Return the Ed25519 keys (32 bytes each) of a text with one or more PEM blocks.

    Raises ReleaseError where there is none, or one of another kind.
    """
    keys = []
    for block in _KEYS.findall(text):
        try:
            der = base64.b64decode("".join(block.split()), validate=True)
        except binascii.Error as error:
            raise ReleaseError("the public key is not base64", "la llave pública no es base64") from error
        if len(der) != 44 or not der.startswith(_ED25519_DER):
            raise ReleaseError(
                "the public key is none of Ed25519: make one with `aldea release keygen`",
                "la llave pública no es de Ed25519: hay que crear una con `aldea release keygen`",
            )
        keys.append(der[len(_ED25519_DER) :])
    if not keys:
        raise ReleaseError(
            "it holds no public key (PEM): give the .pub file that `aldea release keygen` made",
            "no contiene ninguna llave pública (PEM): hace falta el archivo .pub que creó `aldea release keygen`",
        )
    return tuple(keys)


def public_pem(key: bytes) -> str:
    """Return the PEM text of an Ed25519 public key of 32 bytes."""
    text = base64.b64encode(_ED25519_DER + key).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n"


def is_older(version: str, than: str) -> bool:
    """Say whether a version comes before another. Raises ReleaseError for one that is none."""
    return version_key(version) < version_key(than)


def _going_back(found: Mapping[str, Any], version: str) -> tuple[bool, str | None]:
    downgrade, replaces = found.get("downgrade", False), found.get("replaces")
    if not isinstance(downgrade, bool):
        raise ReleaseError("downgrade must be true or false", "downgrade debe ser true o false")
    if replaces is None:
        return downgrade, None
    if not downgrade or not isinstance(replaces, str) or not is_older(version, replaces):
        raise ReleaseError(
            f"replaces is {str(replaces)[:60]!r}; expects, of a downgrade, a version newer than {version}",
            f"replaces es {str(replaces)[:60]!r}; para volver atrás se espera una versión más nueva que {version}",
        )
    return downgrade, replaces


def _file(document: object) -> ReleaseFile:
    found = _table(document, "a file", "un archivo")
    name, digest = str(found.get("name")), str(found.get("sha256"))
    if _FILE.fullmatch(name) is None:
        raise ReleaseError(
            f"a file's name is {name[:60]!r}; expects one of a wheel, without folders",
            f"un archivo se llama {name[:60]!r}; se espera el nombre de un paquete, sin carpetas",
        )
    if _SHA256.fullmatch(digest) is None:
        raise ReleaseError(
            f"sha256 of {name} must be 64 hex digits", f"el sha256 de {name} debe tener 64 dígitos hexadecimales"
        )
    return ReleaseFile(name, _whole(found, "size_bytes", 1, LARGEST_BYTES), digest)


def _whole(found: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = found.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ReleaseError(
            f"{name} must be a whole number from {least} to {most}",
            f"{name} debe ser un número entero de {least} a {most}",
        )
    return value


def _table(document: object, what: str, what_es: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise ReleaseError(f"{what} is no table of names and values", f"{what_es} no es una tabla de nombres y valores")
    return document
