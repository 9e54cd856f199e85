"""The dates of the sites' programmes, sent to the boxes as commands, so that a wrong day is said where it is typed."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select

from aldea.model.forms.programmes import ProgrammeDates, programmes_document, programmes_number
from aldea.storage.register.commands import commands_of, queue_command, supersede
from aldea.storage.register.errors import RegisterError
from aldea.storage.register.programmes import FACT
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import device_forms, programme, site_fact

_LOG = logging.getLogger(__name__)
KIND = "programmes"
EXPIRES_MS = 60 * 86_400_000
AGAIN_MS = 86_400_000
"""A box that has not taken them is asked again so much later."""


def offer_programmes(unit: Unit, now_ms: int, sites: Collection[str] | None = None) -> int:
    """Queue the dates for the devices that have others, or none yet; return how many. `sites` None: all.

    A device says which it has beside its forms (`programmes=4711`); one that says nothing of them knows of none.
    """
    wanted = select(device_forms).order_by(device_forms.c.site, device_forms.c.device)
    if sites is not None:
        wanted = wanted.where(device_forms.c.site.in_(sites))
    rows = [row for row in unit.connection.execute(wanted) if KIND in row.versions]
    documents = _documents(unit, {row.site for row in rows})
    count = 0
    for row in rows:
        document = documents.get(row.site, [])
        try:
            count += _offer(unit, row.site, row.device, row.versions[KIND], document, now_ms)
        except RegisterError as error:
            _LOG.info("no programmes for %s/%s: %s", row.site, row.device, error)
    return count


def _documents(unit: Unit, sites: Collection[str]) -> Mapping[str, list[dict[str, Any]]]:
    """Return the dates of the programmes that sites are or were ever in, by site."""
    wanted = (
        select(site_fact.c.site, programme.c.id, programme.c.starts_on, programme.c.ends_on)
        .distinct()
        .join(programme, programme.c.id == site_fact.c.item)
        .where(site_fact.c.fact == FACT, site_fact.c.site.in_(sites))
    )
    found: dict[str, list[ProgrammeDates]] = {}
    for row in unit.connection.execute(wanted):
        found.setdefault(row.site, []).append(ProgrammeDates(row.id, row.starts_on, row.ends_on))
    return {site: programmes_document(dates) for site, dates in found.items()}


def _offer(unit: Unit, site: str, device: str, has: int, document: list[dict[str, Any]], now_ms: int) -> bool:
    number = programmes_number(document)
    if has == number or (has == 0 and not document):
        return False
    newest = commands_of(unit, site, device, kinds=[KIND], limit=1)
    said = bool(newest) and newest[0].payload.get("programmes") == document
    if said and (not newest[0].state.is_over or now_ms - newest[0].created_ms < AGAIN_MS):
        return False
    supersede(unit, site, device, KIND, now_ms)
    queue_command(unit, site, device, KIND, {"programmes": document}, now_ms, now_ms + EXPIRES_MS)
    return True
