"""Which forms the boxes have, as they tell it, and newer ones sent to them as commands."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping

from sqlalchemy import select

from aldea.model.forms import load_forms
from aldea.storage.register import command_words as words
from aldea.storage.register.commands import queue_command
from aldea.storage.register.device_programmes import offer_programmes
from aldea.storage.register.devices import find_device
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import device_forms

_LOG = logging.getLogger(__name__)
_TOLD = re.compile(r"([a-z][a-z0-9_]{0,39})=([0-9]{1,6})")
EXPIRES_MS = 60 * 86_400_000
KIND = "form"


def note_forms(unit: Unit, site: str, device: str, told: str, at_ms: int) -> int:
    """Keep which forms a device has (`attendance=2 course=1`), and queue what is newer; return how many commands.

    Raises RegisterError when the device is not registered, or cannot be commanded.
    """
    if find_device(unit, site, device) is None:
        raise UnknownEntryError(words.no_device(site, device))
    versions = {name: int(number) for name, number in _TOLD.findall(told[:1024])}
    fresh = insert(unit, device_forms).values(site=site, device=device, versions=versions, told_at_ms=at_ms)
    unit.connection.execute(
        fresh.on_conflict_do_update(index_elements=["site", "device"], set_={"versions": versions, "told_at_ms": at_ms})
    )
    return _offer(unit, site, device, versions, at_ms) + offer_programmes(unit, at_ms, [site])


def offer_forms(unit: Unit, now_ms: int) -> int:
    """Queue what is newer here than at the devices, for all of them; return how many commands there are for it.

    The same form and version is queued once for a device, however often this runs.
    """
    rows = unit.connection.execute(select(device_forms).order_by(device_forms.c.site, device_forms.c.device)).all()
    count = 0
    for row in rows:
        try:
            count += _offer(unit, row.site, row.device, row.versions, now_ms)
        except RegisterError as error:
            _LOG.info("no forms for %s/%s: %s", row.site, row.device, error)
    return count


def _offer(unit: Unit, site: str, device: str, has: Mapping[str, int], now_ms: int) -> int:
    count = 0
    for form in load_forms().values():
        if has.get(form.id, 0) >= int(form.version):
            continue
        place = hashlib.sha256(f"{site}/{device}".encode()).hexdigest()[:10]
        queue_command(
            unit,
            site,
            device,
            KIND,
            {"definition": dict(form.document)},
            now_ms,
            now_ms + EXPIRES_MS,
            id=f"{KIND}-{form.id[:39]}-{form.version}-{place}"[:64],
        )
        count += 1
    return count
