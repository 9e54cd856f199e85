"""Live status: the newest that is known of each device, whatever order it arrives in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Row, bindparam, select, update

from aldea.model.sample import Value
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import chunks, insert
from aldea.storage.register.tables import site_status

LATEST_LIMIT = 200
"""How many measurements with their tags are kept for a device; beyond it the oldest go."""

Key = tuple[str, str]
T = TypeVar("T")


class Presence(StrEnum):
    """What birth and last will say. A hint: arrivals decide."""

    ONLINE = "online"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest fields of one measurement and tag set, and when they were measured."""

    event_ms: int
    fields: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """All that is known of a device now.

    `latest` is keyed `measurement|tag=value|…`. `presence_changed_ms`: arrival of the birth or will that
    `presence` comes from; `connection`: its connection number. `interval_seconds`: declared send interval.
    """

    site: str
    device: str
    last_arrival_ms: int | None = None
    last_event_ms: int | None = None
    presence: Presence = Presence.UNKNOWN
    presence_changed_ms: int | None = None
    connection: int | None = None
    interval_seconds: float | None = None
    boot_id: str | None = None
    clock_state: str | None = None
    agent_version: str | None = None
    latest: Mapping[str, Latest] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """What one message, or several together, say of a device; None: says nothing of it.

    `arrival_ms`: when the device was heard; None for a last will, which the broker sends. Give `boot_id` and
    `clock_state` only from births and the live lane: a backlog tells of boots long over. Give no `event_ms`
    and no `latest` of a time that is not believed, because a time in the future would stay the newest.
    `presence` needs `presence_ms`, its arrival, and `connection`.
    """

    site: str
    device: str
    arrival_ms: int | None = None
    event_ms: int | None = None
    presence: Presence | None = None
    presence_ms: int | None = None
    connection: int | None = None
    interval_seconds: float | None = None
    boot_id: str | None = None
    clock_state: str | None = None
    agent_version: str | None = None
    latest: Mapping[str, Latest] = field(default_factory=dict)


def merged(old: SiteStatus, new: StatusUpdate) -> SiteStatus:
    """Return the status after an update; an older arrival, event or connection never replaces a newer."""
    newest = _is_newest(old, new)
    takes = _takes_presence(old, new)
    return SiteStatus(
        site=old.site,
        device=old.device,
        last_arrival_ms=_later(old.last_arrival_ms, new.arrival_ms),
        last_event_ms=_later(old.last_event_ms, new.event_ms),
        presence=new.presence if takes and new.presence is not None else old.presence,
        presence_changed_ms=new.presence_ms if takes else old.presence_changed_ms,
        connection=new.connection if takes else old.connection,
        interval_seconds=_known(old.interval_seconds, new.interval_seconds, newest=newest),
        boot_id=_known(old.boot_id, _short(new.boot_id, 64), newest=newest),
        clock_state=_known(old.clock_state, _short(new.clock_state, 16), newest=newest),
        agent_version=_known(old.agent_version, _short(new.agent_version, 64), newest=newest),
        latest=_latest(old.latest, new.latest),
    )


def upsert_status(unit: Unit, updates: Sequence[StatusUpdate]) -> None:
    """Merge updates into what is stored; several of one device may be given at once."""
    by_key: dict[Key, list[StatusUpdate]] = {}
    for new in updates:
        by_key.setdefault((new.site, new.device), []).append(new)
    if not by_key:
        return
    held = _held(unit, by_key)
    if missing := sorted(by_key.keys() - held.keys()):
        # The rows must exist before they can be locked: another collector may be adding the same ones.
        empty = [_columns(SiteStatus(site, device)) for site, device in missing]
        statement = insert(unit, site_status).on_conflict_do_nothing(index_elements=["site", "device"])
        unit.connection.execute(statement, empty)
        held |= _held(unit, missing)
    rows = []
    for key in sorted(by_key):
        status = held[key]
        for new in by_key[key]:
            status = merged(status, new)
        rows.append({f"new_{name}": value for name, value in _columns(status).items()})
    unit.connection.execute(_UPDATE, rows)


def find_status(unit: Unit, site_id: str) -> tuple[SiteStatus, ...]:
    """Return the status of each of the site's devices."""
    mine = select(site_status).where(site_status.c.site == site_id).order_by(site_status.c.device)
    return tuple(_status(row) for row in unit.connection.execute(mine))


_UPDATE = (
    update(site_status)
    .where(site_status.c.site == bindparam("new_site"), site_status.c.device == bindparam("new_device"))
    .values({c: bindparam(f"new_{c.name}") for c in site_status.c if c.name not in {"site", "device"}})
)


def _held(unit: Unit, keys: Iterable[Key]) -> dict[Key, SiteStatus]:
    """Return the stored statuses of `keys`, locked in one order so that writers can't deadlock."""
    order = (site_status.c.site, site_status.c.device)
    found: dict[Key, SiteStatus] = {}
    for chunk in chunks(sorted({site for site, _ in keys})):
        wanted = select(site_status).where(site_status.c.site.in_(chunk)).order_by(*order).with_for_update()
        found |= {(row.site, row.device): _status(row) for row in unit.connection.execute(wanted)}
    return found


def _is_newest(old: SiteStatus, new: StatusUpdate) -> bool:
    if new.arrival_ms is None:
        return False
    return old.last_arrival_ms is None or new.arrival_ms >= old.last_arrival_ms


def _takes_presence(old: SiteStatus, new: StatusUpdate) -> bool:
    """Say whether a birth or will is newer than what is known.

    A later connection wins, and within one connection the later arrival. A birth that arrives later wins
    whatever its number, because an agent that was set up anew counts from the start; a will does not.
    """
    if new.presence is None or new.presence_ms is None or new.connection is None:
        return False
    if old.connection is None or old.presence_changed_ms is None:
        return True
    if new.presence is Presence.ONLINE and new.presence_ms >= old.presence_changed_ms:
        return True
    return (new.connection, new.presence_ms) >= (old.connection, old.presence_changed_ms)


def _later(old: int | None, new: int | None) -> int | None:
    if old is None or new is None:
        return old if new is None else new
    return max(old, new)


def _known(old: T | None, new: T | None, *, newest: bool) -> T | None:
    if new is None or (old is not None and not newest):
        return old
    return new


def _short(text: str | None, length: int) -> str | None:
    return None if text is None else clean_text(text)[:length]


def _latest(old: Mapping[str, Latest], new: Mapping[str, Latest]) -> Mapping[str, Latest]:
    if not new:
        return old
    both = dict(old)
    for key, value in new.items():
        if key not in both or value.event_ms >= both[key].event_ms:
            both[key] = value
    if len(both) <= LATEST_LIMIT:
        return both
    kept = sorted(both, key=lambda key: (both[key].event_ms, key))[-LATEST_LIMIT:]
    return {key: both[key] for key in kept}


def _columns(status: SiteStatus) -> dict[str, Any]:
    return {
        "site": status.site,
        "device": status.device,
        "last_arrival_ms": status.last_arrival_ms,
        "last_event_ms": status.last_event_ms,
        "presence": status.presence.value,
        "presence_changed_ms": status.presence_changed_ms,
        "connection": status.connection,
        "interval_seconds": status.interval_seconds,
        "boot_id": status.boot_id,
        "clock_state": status.clock_state,
        "agent_version": status.agent_version,
        "latest": {key: [value.event_ms, value.fields] for key, value in status.latest.items()},
    }


def _status(row: Row[Any]) -> SiteStatus:
    return SiteStatus(
        site=row.site,
        device=row.device,
        last_arrival_ms=row.last_arrival_ms,
        last_event_ms=row.last_event_ms,
        presence=Presence(row.presence),
        presence_changed_ms=row.presence_changed_ms,
        connection=row.connection,
        interval_seconds=row.interval_seconds,
        boot_id=row.boot_id,
        clock_state=row.clock_state,
        agent_version=row.agent_version,
        latest={key: Latest(at, fields) for key, (at, fields) in row.latest.items()},
    )
