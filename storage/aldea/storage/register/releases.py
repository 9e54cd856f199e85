"""Releases of the agent: which keys are trusted, what was added, and the wheels themselves, read in parts."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, Select, func, insert, literal_column, select, update

from aldea.model.release import ReleaseError, SignedRelease, document_of, public_keys, public_pem, read_manifest
from aldea.model.release import version_key as ordered
from aldea.model.said import Said
from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.errors import RegisterConflictError, RegisterError
from aldea.storage.register.register import Unit
from aldea.storage.register.settings import get_setting, set_setting
from aldea.storage.register.tables import release, release_file

TRUSTED = "release_keys"
SINCE = "release_keys_since"
MOST_KEYS = 4


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release in the register."""

    release: SignedRelease
    author: str
    added_ms: int

    @property
    def version(self) -> str:
        """Its version."""
        return self.release.manifest.version


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A wheel in the register, without its bytes."""

    version: str
    name: str
    size_bytes: int
    sha256: str


def trusted_keys(unit: Unit) -> tuple[bytes, ...]:
    """Return the public keys (Ed25519, 32 bytes) whose releases may be added, and that devices are told."""
    found = get_setting(unit, TRUSTED)
    return tuple(bytes.fromhex(key) for key in found) if isinstance(found, list) else ()


def trusted_pem(unit: Unit) -> str | None:
    """Return the trusted keys as devices keep them; None when there is none."""
    return "".join(public_pem(key) for key in trusted_keys(unit)) or None


def trusted_since_ms(unit: Unit) -> int | None:
    """Return since when devices that enrol are told a key that is still trusted; None while there is none.

    0: since before that was written down.
    """
    known = get_setting(unit, SINCE)
    times = known if isinstance(known, dict) else {}
    return min((int(times.get(key.hex(), 0)) for key in trusted_keys(unit)), default=None)


def trust_keys(unit: Unit, pem: str, at_ms: int) -> tuple[bytes, ...]:
    """Trust the keys of a PEM text from now on, besides those that are; return all. Raises RegisterError."""
    try:
        new = public_keys(pem)
    except ReleaseError as error:
        raise _said(error) from error
    keys = tuple(dict.fromkeys((*trusted_keys(unit), *new)))
    if len(keys) > MOST_KEYS:
        raise RegisterError(
            Said(
                f"at most {MOST_KEYS} keys can be trusted: end the trust in one first",
                f"se puede confiar en {MOST_KEYS} llaves como máximo: primero hay que dejar de confiar en una",
            )
        )
    known = get_setting(unit, SINCE)
    times = known if isinstance(known, dict) else {}
    before = {key.hex() for key in trusted_keys(unit)}
    fresh = {key.hex(): at_ms for key in new if key.hex() not in before}
    set_setting(unit, SINCE, {key: at for key, at in {**times, **fresh}.items() if key in before or key in fresh})
    set_setting(unit, TRUSTED, [key.hex() for key in keys])
    return keys


def distrust_keys(unit: Unit, pem: str) -> tuple[bytes, ...]:
    """Trust the keys of a PEM text no more; return those that are left. Raises RegisterError."""
    try:
        gone = public_keys(pem)
    except ReleaseError as error:
        raise _said(error) from error
    keys = tuple(key for key in trusted_keys(unit) if key not in gone)
    set_setting(unit, TRUSTED, [key.hex() for key in keys])
    return keys


def add_release(unit: Unit, new: SignedRelease, files: Mapping[str, bytes], author: str, at_ms: int) -> bool:
    """Keep a release whose signature was checked, with its wheels; False when it is there already, just the same.

    One that is there and was signed again, by another key or to replace other versions, takes the place of what was
    signed before.
    Raises RegisterConflictError when the version is there with other content, RegisterError for wrong files.
    """
    manifest = new.manifest
    there = find_release(unit, manifest.version)
    if there is not None:
        if there.release == new:
            return False
        if replace(there.release.manifest, downgrade=manifest.downgrade, replaces=manifest.replaces) == manifest:
            signed = {"manifest": plain(document_of(manifest)), "signature": base64.b64encode(new.signature).decode()}
            unit.connection.execute(update(release).where(release.c.version == manifest.version).values(**signed))
            return True
        raise RegisterConflictError(
            Said(
                f"version {manifest.version} is there with other files: give it a new version",
                f"la versión {manifest.version} ya está con otros archivos: hay que darle otra versión",
            )
        )
    for file in manifest.files:
        content = files.get(file.name, b"")
        if len(content) != file.size_bytes or hashlib.sha256(content).hexdigest() != file.sha256:
            raise RegisterError(
                Said(
                    f"{file.name} is not the file that was signed: sign the release again",
                    f"{file.name} no es el archivo que se firmó: hay que firmar la versión otra vez",
                )
            )
    unit.connection.execute(
        insert(release).values(
            version=manifest.version,
            manifest=plain(document_of(manifest)),
            signature=base64.b64encode(new.signature).decode(),
            author=clean_text(author)[:120],
            added_ms=at_ms,
        )
    )
    for file in manifest.files:
        values = {"name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256}
        unit.connection.execute(
            insert(release_file).values(version=manifest.version, content=files[file.name], **values)
        )
    return True


def find_release(unit: Unit, version: str) -> StoredRelease | None:
    """Return a release, or None."""
    row = unit.connection.execute(select(release).where(release.c.version == version)).first()
    return None if row is None else _stored(row)


def list_releases(unit: Unit) -> tuple[StoredRelease, ...]:
    """Return every release, the newest version first."""
    found = map(_stored, unit.connection.execute(select(release)))
    return tuple(sorted(found, key=lambda item: ordered(item.version), reverse=True))


def _stored(row: Row[Any]) -> StoredRelease:
    signed = SignedRelease(read_manifest(row.manifest), base64.b64decode(row.signature))
    return StoredRelease(signed, row.author, row.added_ms)


def find_release_file(unit: Unit, version: str, name: str) -> StoredFile | None:
    """Return what is known of a wheel, or None."""
    table = release_file.c
    wanted = select(table.version, table.name, table.size_bytes, table.sha256)
    row = unit.connection.execute(wanted.where(table.version == version, table.name == name)).first()
    return None if row is None else StoredFile(row.version, row.name, row.size_bytes, row.sha256)


def read_release_file(unit: Unit, version: str, name: str, first: int, count: int) -> bytes:
    """Return up to `count` bytes of a wheel from byte `first` (from 0) on; none where there is no such wheel."""
    mine = (release_file.c.version == version, release_file.c.name == name)
    if unit.connection.dialect.name == "sqlite":
        return _read_in_place(
            unit, select(literal_column("rowid")).select_from(release_file).where(*mine), first, count
        )
    part = func.substr(release_file.c.content, first + 1, count, type_=release_file.c.content.type)
    return bytes(unit.connection.execute(select(part).where(*mine)).scalar_one_or_none() or b"")


def _read_in_place(unit: Unit, wanted: Select[Any], first: int, count: int) -> bytes:
    """Read a part of a wheel where it lies: SQLite's `substr` would bring all of it into memory for each range."""
    row_id = unit.connection.execute(wanted).scalar_one_or_none()
    link = unit.connection.connection.driver_connection
    assert isinstance(link, sqlite3.Connection)
    if row_id is None:
        return b""
    with link.blobopen(release_file.name, release_file.c.content.name, row_id, readonly=True) as content:
        content.seek(min(first, len(content)))
        return content.read(count)


def _said(error: ReleaseError) -> RegisterError:
    """Return what is wrong with keys as the register's own error."""
    return RegisterError(Said(str(error), error.spanish or str(error)))
