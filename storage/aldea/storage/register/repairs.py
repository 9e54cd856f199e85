"""Repairs that somebody at a site has reported, and what the server made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, select, update

from aldea.model.said import Said
from aldea.storage.register.devices import find_device
from aldea.storage.register.encoding import clean_text, plain
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import repair

NOTE_LIMIT = 1_024


class RepairState(StrEnum):
    """What has become of a repair: nothing yet, confirmed, or not yet in order when the time to say so was up."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair that was reported. `said_ms`: by the box's time, None while it does not know it; `findings`: its own."""

    site: str
    id: str
    device: str
    heard_ms: int
    said_ms: int | None
    state: RepairState = RepairState.OPEN
    findings: Any = None
    note: str = ""
    judged_ms: int | None = None
    verdict: Mapping[str, Any] = field(default_factory=dict)


def add_repair(unit: Unit, new: Repair) -> bool:
    """Keep a repair that was reported; False when it is there already.

    Raises UnknownEntryError for a device that is not registered, RegisterError for an id that can't be.
    """
    if not 0 < len(new.id) <= 64:
        raise RegisterError(
            Said("a repair's id has 1 to 64 characters", "la clave de una reparación lleva de 1 a 64 caracteres")
        )
    if find_device(unit, new.site, new.device) is None:
        raise UnknownEntryError(
            Said(
                f"site {new.site!r} has no device {new.device!r}",
                f"el sitio {new.site!r} no tiene el equipo {new.device!r}",
            )
        )
    statement = insert(unit, repair).on_conflict_do_nothing(index_elements=["site", "id"])
    # Without the option PostgreSQL's count of an insert is not kept.
    statement = statement.execution_options(preserve_rowcount=True)
    values = {
        "site": new.site,
        "id": clean_text(new.id),
        "device": new.device,
        "heard_at_ms": new.heard_ms,
        "said_at_ms": new.said_ms,
        "state": RepairState.OPEN.value,
        "findings": plain(new.findings if new.findings is not None else []),
        "note": clean_text(new.note)[:NOTE_LIMIT],
    }
    return unit.connection.execute(statement.values(**values)).rowcount == 1


def open_repairs(unit: Unit, limit: int = 100) -> tuple[Repair, ...]:
    """Return the repairs that nobody has judged yet, the oldest first."""
    wanted = select(repair).where(repair.c.state == RepairState.OPEN.value).order_by(repair.c.heard_at_ms).limit(limit)
    return tuple(_repair(row) for row in unit.connection.execute(wanted))


def repairs_of(unit: Unit, site: str, limit: int = 20) -> tuple[Repair, ...]:
    """Return a site's repairs, the newest first."""
    wanted = select(repair).where(repair.c.site == site).order_by(repair.c.heard_at_ms.desc(), repair.c.id).limit(limit)
    return tuple(_repair(row) for row in unit.connection.execute(wanted))


def judge_repair(
    unit: Unit, site: str, repair_id: str, state: RepairState, verdict: Mapping[str, Any], at_ms: int
) -> bool:
    """Keep what was made of a repair; False when somebody else has judged it meanwhile."""
    mine = (repair.c.site == site, repair.c.id == repair_id, repair.c.state == RepairState.OPEN.value)
    values = {"state": state.value, "verdict": plain(dict(verdict)), "judged_at_ms": at_ms}
    return bool(unit.connection.execute(update(repair).where(*mine).values(**values)).rowcount)


def _repair(row: Row[Any]) -> Repair:
    return Repair(
        site=row.site,
        id=row.id,
        device=row.device,
        heard_ms=row.heard_at_ms,
        said_ms=row.said_at_ms,
        state=RepairState(row.state),
        findings=row.findings,
        note=row.note,
        judged_ms=row.judged_at_ms,
        verdict=row.verdict or {},
    )
