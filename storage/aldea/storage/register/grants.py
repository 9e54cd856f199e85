"""Where sites belong: the programmes and the region that grants are limited to."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from aldea.storage.register.dated import holds_at
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks
from aldea.storage.register.tables import site, site_fact

PROGRAMME, REGION = "programme", "state_name"


def site_scopes(unit: Unit, at_ms: int, sites: Collection[str] | None = None) -> dict[str, tuple[frozenset[str], str]]:
    """Return each site's programmes and region (its federal state, '' unknown) at `at_ms`, by id.

    `sites`: only these; None is every site.
    """
    wanted = select(site.c.id, site_fact.c.fact, site_fact.c.value_text).select_from(
        site.outerjoin(
            site_fact,
            (site_fact.c.site == site.c.id) & site_fact.c.fact.in_((PROGRAMME, REGION)) & holds_at(site_fact, at_ms),
        )
    )
    parts = [wanted] if sites is None else [wanted.where(site.c.id.in_(part)) for part in chunks(sorted(set(sites)))]
    programmes: dict[str, set[str]] = {}
    regions: dict[str, str] = {}
    for part in parts:
        for key, fact, value in unit.connection.execute(part):
            held = programmes.setdefault(key, set())
            if fact == PROGRAMME and value:
                held.add(value)
            elif fact == REGION and value:
                regions[key] = value
    return {key: (frozenset(held), regions.get(key, "")) for key, held in programmes.items()}
