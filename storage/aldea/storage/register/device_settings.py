"""Settings of single devices: what differs from their profile, and sending them what they are to run with."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, and_, select, update
from sqlalchemy import insert as plain_insert

from aldea.model.said import Said
from aldea.storage.register.command_rows import DeviceCommand
from aldea.storage.register.commands import queue_command, supersede
from aldea.storage.register.device_overlays import KIND, DeviceSettings, device_settings_of
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.errors import RegisterConflictError, UnknownEntryError
from aldea.storage.register.facts import lock_site
from aldea.storage.register.profiles import PastDocument, clean_document, keep_past
from aldea.storage.register.register import Register, Unit
from aldea.storage.register.restored import restored_revision
from aldea.storage.register.tables import device, device_settings

LASTS_MS = 60 * 86_400_000
"""A village may be cut off for weeks; what it is sent waits for so long."""


MOST_REVISIONS = 10**9
"""A device that says it is further than this is not well: it is not believed."""

AT_ONCE = 100
"""So many devices are sent to in one transaction: others write to the register too."""


def device_subject(site_id: str, device_id: str) -> str:
    """Return the name of a device's differences in the history."""
    return f"device:{site_id}/{device_id}"


def set_differences(
    unit: Unit,
    site_id: str,
    device_id: str,
    differences: Mapping[str, Any],
    author: str | None,
    now_ms: int,
    *,
    seen: int | None = None,
) -> int:
    """Say what differs at a device from its profile; return the revision. A null in it takes a profile's setting out.

    `seen` is the revision that was looked at (0: none yet). Nothing is sent. Raises RegisterError for a document that
    can't be, UnknownEntryError, RegisterConflictError where somebody else changed it meanwhile.
    """
    document = clean_document(differences)
    lock_site(unit, site_id)
    before = _locked(unit, site_id, device_id)
    if seen is not None and seen != before.revision:
        raise RegisterConflictError(
            Said(
                f"the settings of {site_id}/{device_id} were changed meanwhile: they are at revision {before.revision};"
                " look at them again",
                f"alguien cambió mientras tanto los ajustes de {site_id}/{device_id}: van en la revisión "
                f"{before.revision}; hay que verlos de nuevo",
            )
        )
    if document == before.differences:
        return int(before.revision)
    revision = int(before.revision) + 1
    changed_by = None if author is None else clean_text(author)[:120]
    _update(
        unit,
        site_id,
        device_id,
        {"differences": document, "revision": revision, "changed_by": changed_by, "changed_at_ms": now_ms},
    )
    keep_past(unit, device_subject(site_id, device_id), PastDocument(revision, "", document, changed_by, now_ms))
    return revision


def looked_at(items: Iterable[DeviceSettings]) -> str:
    """Return a short word for what devices are to run with, which is another one as soon as any of it is changed."""
    documents = [(item.site, item.device, item.overlay) for item in items]
    return sha256(json.dumps(documents, sort_keys=True, default=dict).encode()).hexdigest()[:32]


def send_settings(
    unit: Unit,
    site_id: str,
    device_id: str,
    keys: Collection[str],
    now_ms: int,
    author: str | None = None,
    *,
    again: bool = False,
    seen: Mapping[str, Any] | None = None,
) -> DeviceCommand | None:
    """Queue what the device is to run with; None when it runs with it, or has been sent it and not answered.

    `again`: send what it did not take once more. `seen` is what it was to run with when that was looked at. Earlier
    settings that are not answered are superseded. Raises UnknownEntryError, RegisterError, RegisterConflictError where
    it is to run with something else by now.
    """
    lock_site(unit, site_id)
    now = device_settings_of(unit, site_id, device_id, keys, now_ms)
    if seen is not None and seen != now.overlay:
        raise RegisterConflictError(
            Said(
                f"the settings of {site_id}/{device_id} were changed meanwhile: look at what would be sent, "
                "and send again",
                f"los ajustes de {site_id}/{device_id} cambiaron mientras tanto: hay que ver qué se "
                "enviaría, y enviar otra vez",
            )
        )
    if not now.is_due(again=again):
        return None
    # A device may be ahead of a register that was restored from an old backup: it says how far.
    told = 0 if now.last is None else now.last.answer.get("runs")
    counted = max(int(_locked(unit, site_id, device_id).sent_revision), restored_revision(unit))
    revision = max(counted, now.held_revision, told if type(told) is int and told < MOST_REVISIONS else 0) + 1
    supersede(unit, site_id, device_id, KIND, now_ms)
    _update(unit, site_id, device_id, {"sent_revision": revision})
    payload = {"revision": revision, "document": dict(now.overlay)}
    # The newest is the one made last: two never have the same time.
    made_ms = now_ms if now.last is None else max(now_ms, now.last.created_ms + 1)
    return queue_command(unit, site_id, device_id, KIND, payload, made_ms, made_ms + LASTS_MS, author)


def send_to_all(
    register: Register,
    devices: Sequence[DeviceSettings],
    keys: Collection[str],
    now_ms: int,
    author: str | None = None,
    *,
    again: bool = False,
    note: Callable[[Unit, Sequence[DeviceSettings]], object] | None = None,
) -> int:
    """Send several devices what they were seen to be to run with, some at a time; return how many were sent something.

    `note` is told of each lot that was sent, in the same transaction. Raises RegisterError, RegisterConflictError where
    a device is to run with something else by now; those before have been sent to then, and are not sent to again when
    it is asked again.
    """
    chosen, count = sorted(devices, key=lambda item: (item.site, item.device)), 0
    for some in (chosen[start : start + AT_ONCE] for start in range(0, len(chosen), AT_ONCE)):
        with register.transaction() as unit:
            sent = [
                item
                for item in some
                if send_settings(unit, item.site, item.device, keys, now_ms, author, again=again, seen=item.overlay)
                is not None
            ]
            if sent and note is not None:
                note(unit, sent)
        count += len(sent)
    return count


def _locked(unit: Unit, site_id: str, device_id: str) -> Row[Any]:
    """Return the device's row, made where there is none. The site is locked by who calls."""
    mine = and_(device_settings.c.site == site_id, device_settings.c.device == device_id)
    row = unit.connection.execute(select(device_settings).where(mine)).first()
    if row is not None:
        return row
    known = and_(device.c.site == site_id, device.c.id == device_id)
    if unit.connection.execute(select(device.c.id).where(known)).first() is None:
        raise UnknownEntryError(
            Said(
                f"site {site_id[:39]!r} has no device {device_id[:39]!r}: enrol it first",
                f"el sitio {site_id[:39]!r} no tiene el equipo {device_id[:39]!r}: primero hay que inscribirlo",
            )
        )
    empty = {"site": site_id, "device": device_id, "differences": {}, "revision": 0, "sent_revision": 0}
    unit.connection.execute(plain_insert(device_settings).values(**empty))
    return unit.connection.execute(select(device_settings).where(mine)).one()


def _update(unit: Unit, site_id: str, device_id: str, values: Mapping[str, Any]) -> None:
    mine = and_(device_settings.c.site == site_id, device_settings.c.device == device_id)
    unit.connection.execute(update(device_settings).where(mine).values(**values))
