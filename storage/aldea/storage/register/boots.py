"""Boots of devices: between two of them the site had no eyes, and only their times tell how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, case, select, update

from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import boot

_CLOCKS_DIFFER_MS = 10 * 60 * 1000
"""So much later than it was heard of may a boot have lasted, by its own place in time."""


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot of a device. `started_ms` is the wall time of its start, None while it is not known.

    `last_mono_ms`: the furthest into the boot that a row, a sign of life or a birth tells of. `estimated`: bounded
    by its neighbours, not anchored. `clock_state` is empty where another boot tells of this one.
    """

    site: str
    device: str
    boot_id: str
    started_ms: int | None
    estimated: bool
    clock_state: str
    last_mono_ms: int
    first_arrival_ms: int
    last_arrival_ms: int


@dataclass(frozen=True, slots=True)
class BootPlace:
    """Where a boot belongs in time, as it has become known after its rows had arrived."""

    site: str
    device: str
    boot_id: str
    started_ms: int
    estimated: bool


def upsert_boots(unit: Unit, rows: Sequence[Boot]) -> None:
    """Keep boots; what is known already stays unless it is told better.

    An anchored start replaces an estimated one, and not the other way; the furthest time and the first and
    last arrival only widen.
    """
    if not rows:
        return
    statement = insert(unit, boot)
    new = statement.excluded
    better = new.started_ms.is_not(None) & (boot.c.started_ms.is_(None) | boot.c.estimated | ~new.estimated)
    later = new.last_arrival_ms >= boot.c.last_arrival_ms
    clock_told = (new.clock_state != "") & (later | (boot.c.clock_state == ""))
    statement = statement.on_conflict_do_update(
        index_elements=["site", "device", "boot_id"],
        set_={
            "started_ms": case((better, new.started_ms), else_=boot.c.started_ms),
            "estimated": case((better, new.estimated), else_=boot.c.estimated),
            "clock_state": case((clock_told, new.clock_state), else_=boot.c.clock_state),
            "last_mono_ms": case((new.last_mono_ms > boot.c.last_mono_ms, new.last_mono_ms), else_=boot.c.last_mono_ms),
            "first_arrival_ms": case(
                (new.first_arrival_ms < boot.c.first_arrival_ms, new.first_arrival_ms),
                else_=boot.c.first_arrival_ms,
            ),
            "last_arrival_ms": case((later, new.last_arrival_ms), else_=boot.c.last_arrival_ms),
        },
    )
    ordered = sorted(rows, key=lambda row: (row.site, row.device, row.boot_id))
    names = [c.name for c in boot.c]
    unit.connection.execute(statement, [{name: getattr(row, name) for name in names} for row in ordered])


def place_boots(unit: Unit, places: Sequence[BootPlace]) -> None:
    """Move boots that are kept already to where they belong in time; others come with their place."""
    known = (boot.c.site == bindparam("of_site"), boot.c.device == bindparam("of_device"))
    statement = (
        update(boot)
        .where(*known, boot.c.boot_id == bindparam("of_boot"))
        .values(started_ms=bindparam("at_ms"), estimated=bindparam("guessed"))
    )
    rows = [
        {"of_site": p.site, "of_device": p.device, "of_boot": p.boot_id, "at_ms": p.started_ms, "guessed": p.estimated}
        for p in places
    ]
    if rows:
        unit.connection.execute(statement, rows)


def boots_of(unit: Unit, site_id: str) -> tuple[Boot, ...]:
    """Return the boots of a site's devices in the order they were first heard of."""
    order = (boot.c.first_arrival_ms, boot.c.device, boot.c.boot_id)
    mine = select(boot).where(boot.c.site == site_id).order_by(*order)
    return tuple(Boot(**row._mapping) for row in unit.connection.execute(mine))


def read_boots(unit: Unit, heard_after_ms: int) -> dict[str, list[tuple[str, str, int, int]]]:
    """Return, by site, (device, boot id, start, end) of the boots of known time heard of after a moment.

    None ends later than it was last heard of, whatever it says itself.
    """
    columns = (
        boot.c.site,
        boot.c.device,
        boot.c.boot_id,
        boot.c.started_ms,
        boot.c.last_mono_ms,
        boot.c.last_arrival_ms,
    )
    wanted = select(*columns).where(boot.c.started_ms.is_not(None), boot.c.last_arrival_ms > heard_after_ms)
    found: dict[str, list[tuple[str, str, int, int]]] = {}
    ordered = wanted.order_by(boot.c.site, boot.c.started_ms)
    for name, box, boot_id, started, last, heard in unit.connection.execute(ordered):
        end = max(started, min(started + last, heard + _CLOCKS_DIFFER_MS))
        found.setdefault(name, []).append((box, boot_id, started, end))
    return found
