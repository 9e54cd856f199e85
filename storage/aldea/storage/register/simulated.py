"""The real start: everything simulated leaves the register, whichever table it is in."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Boolean, ColumnElement, Select, delete, or_, select

from aldea.storage.register.register import Unit
from aldea.storage.register.settings import bump_registry_version, get_setting, set_setting
from aldea.storage.register.tables import device, metadata, site

DEMO = "demo"
"""The setting that says whether a simulated fleet may run beside the real sites; a missing one says yes."""

WISH = "start_for_real"
"""The setting with the wish to start for real, and how far that has come."""


def demo_is_over(unit: Unit) -> bool:
    """Whether this instance has started for real: no simulated fleet comes back."""
    return get_setting(unit, DEMO) is False


def end_demo(unit: Unit) -> None:
    """Let no simulated fleet run here any more, after restarts neither."""
    set_setting(unit, DEMO, value=False)


def simulated_sites(unit: Unit) -> tuple[str, ...]:
    """Return the ids of all simulated sites."""
    wanted = select(site.c.id).where(site.c.simulated).order_by(site.c.id)
    return tuple(unit.connection.execute(wanted).scalars())


def simulated_devices(unit: Unit) -> tuple[tuple[str, str], ...]:
    """Return (site, device) of all devices at simulated sites."""
    wanted = select(device.c.site, device.c.id).join(site, site.c.id == device.c.site).where(site.c.simulated)
    return tuple((row.site, row.id) for row in unit.connection.execute(wanted.order_by(device.c.site, device.c.id)))


def remove_simulated(unit: Unit, also: tuple[str, ...] = ()) -> Mapping[str, int]:
    """Remove the simulated sites and everything of theirs from every table; return the rows by table.

    A row goes when its column `site` names such a site, when its column `simulated` is true, or when its parent
    goes. Tables that come later are covered by the same rule. `also` names sites that have left already and of
    whom a straggler may have arrived since.
    """
    gone = select(site.c.id).where(site.c.simulated)
    removed = {}
    for table in reversed(metadata.sorted_tables):
        count = 0 if table is site else _remove_from(unit, table.name, gone, also)
        if count:
            removed[table.name] = count
    sites = unit.connection.execute(delete(site).where(site.c.simulated)).rowcount
    if sites:
        removed[site.name] = sites
        bump_registry_version(unit)
    return removed


def remove_simulated_sites(unit: Unit) -> int:
    """Remove every simulated site with all that hangs on it, and say how many sites. Real sites are only closed."""
    return remove_simulated(unit).get(site.name, 0)


def _remove_from(unit: Unit, name: str, gone: Select[tuple[str]], also: tuple[str, ...]) -> int:
    table = metadata.tables[name]
    conditions: list[ColumnElement[bool]] = []
    if "site" in table.c:
        conditions += [table.c.site.in_(gone), table.c.site.in_(also)] if also else [table.c.site.in_(gone)]
    if "simulated" in table.c and isinstance(table.c.simulated.type, Boolean):
        conditions.append(table.c.simulated)
    if not conditions:
        return 0
    return int(unit.connection.execute(delete(table).where(or_(*conditions))).rowcount)
