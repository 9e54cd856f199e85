"""Small things the instance remembers about itself, and the version of the list of sites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select, update

from aldea.storage.register.encoding import plain
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import setting

REGISTRY_VERSION = "registry_version"


def get_setting(unit: Unit, key: str) -> Any:
    """Return the JSON value kept under `key`, or None."""
    return unit.connection.execute(select(setting.c.value).where(setting.c.key == key)).scalar_one_or_none()


def all_settings(unit: Unit) -> Mapping[str, Any]:
    """Return every setting."""
    rows = unit.connection.execute(select(setting.c.key, setting.c.value).order_by(setting.c.key))
    return {row.key: row.value for row in rows}


def set_setting(unit: Unit, key: str, value: object) -> None:
    """Keep a JSON value under `key`, replacing what was there."""
    statement = insert(unit, setting)
    unit.connection.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_={"value": statement.excluded.value}),
        {"key": key, "value": plain(value)},
    )


def setting_or_first(unit: Unit, key: str, value: object) -> Any:
    """Return what `key` holds, after storing `value` there if it held nothing: who comes first, wins."""
    unit.connection.execute(
        insert(unit, setting).on_conflict_do_nothing(index_elements=["key"]),
        {"key": key, "value": plain(value)},
    )
    return get_setting(unit, key)


def registry_version(unit: Unit) -> int:
    """Return a number that grows with every change to the list of sites and devices."""
    return int(get_setting(unit, REGISTRY_VERSION) or 0)


def held_registry_version(unit: Unit) -> int:
    """Return the number as `registry_version` does; the list can't change before the unit ends."""
    wanted = select(setting.c.value).where(setting.c.key == REGISTRY_VERSION).with_for_update(read=True)
    return int(unit.connection.execute(wanted).scalar_one_or_none() or 0)


def bump_registry_version(unit: Unit) -> int:
    """Count one change to the list of sites and devices; the new number counts from the commit on."""
    unit.connection.execute(
        insert(unit, setting).on_conflict_do_nothing(index_elements=["key"]),
        {"key": REGISTRY_VERSION, "value": 0},
    )
    held = select(setting.c.value).where(setting.c.key == REGISTRY_VERSION).with_for_update()
    version = int(unit.connection.execute(held).scalar_one()) + 1
    unit.connection.execute(update(setting).where(setting.c.key == REGISTRY_VERSION).values(value=version))
    return version
