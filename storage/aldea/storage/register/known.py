"""Which sites are still registered: work that was begun for one that has left meanwhile must leave no trace."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks
from aldea.storage.register.tables import site


def known_sites(unit: Unit, names: Collection[str]) -> set[str]:
    """Return those of `names` that are registered; on PostgreSQL they can't leave before the unit ends."""
    found: set[str] = set()
    for chunk in chunks(sorted(names)):
        wanted = select(site.c.id).where(site.c.id.in_(chunk)).with_for_update(read=True, key_share=True)
        found.update(unit.connection.execute(wanted).scalars())
    return found
