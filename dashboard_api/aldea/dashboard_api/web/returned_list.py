"""The records that were given back to the sites and wait for somebody, as the page of records shows them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from aldea.dashboard_api.access.scope import scopes_of, visible_sites
from aldea.dashboard_api.access.visitor import SiteScope, Visitor
from aldea.dashboard_api.record_intake import RECORD, covers, own_programmes
from aldea.dashboard_api.web.record_words import form_texts, payload_shown
from aldea.dashboard_api.web.shown import Shown
from aldea.model.forms import load_forms
from aldea.storage.register.register import Unit
from aldea.storage.register.site_records import ReturnedRecord, open_returned
from aldea.storage.register.sites import Site, find_sites

PATH = "/records/returned/{site}/{record}/{version}"
MOST_SHOWN = 20
MOST_READ = 500


def returned_rows(
    unit: Unit, visitor: Visitor, now_ms: int, *, simulated: bool, language: str, shown: Shown
) -> list[dict[str, Any]]:
    """Return what was given back to the sites of a visitor and waits for somebody, ready to be shown."""
    sites = visible_sites(unit, visitor, now_ms, RECORD)
    scopes = {} if visitor.everywhere(RECORD) else scopes_of(unit, now_ms)
    nowhere = SiteScope(frozenset(), "")
    found = open_returned(unit, sites=sites, programmes=own_programmes(visitor), simulated=simulated, limit=MOST_READ)
    mine = [item for item in found if covers(visitor, scopes.get(item.site, nowhere), item.programme)]
    listed = mine[:MOST_SHOWN]
    known = find_sites(unit, {item.site for item in listed})
    rows = [_row(item, known.get(item.site), language, shown) for item in listed]
    return [{**row, "more": max(0, len(mine) - MOST_SHOWN)} for row in rows]


def _row(item: ReturnedRecord, site: Site | None, language: str, shown: Shown) -> dict[str, Any]:
    definition = load_forms().get(item.form)
    zone = ZoneInfo("UTC" if site is None else site.timezone)
    return {
        "item": item,
        "address": PATH.format(site=item.site, record=item.record, version=item.version),
        "title": item.form if definition is None else form_texts(definition, language)["title"],
        "site": item.site if site is None else site.name,
        "when": shown.moment(item.arrived_ms, zone),
        "sentences": item.sentences.get(language) or item.sentences.get("es") or (),
        "shown": payload_shown(definition, item.payload, language),
        "known": definition is not None and not item.withdrawn,
    }
