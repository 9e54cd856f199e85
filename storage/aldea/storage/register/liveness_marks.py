"""Signs of life of the parts that watch: each leaves a mark when it has got on with its work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from aldea.storage.register.register import Unit
from aldea.storage.register.statements import insert
from aldea.storage.register.tables import liveness_mark

ENGINE, NOTIFIER = "engine", "notifier"


@dataclass(frozen=True, slots=True)
class LivenessMark:
    """When a component last said that it works, and how far it has come (a number that only grows)."""

    component: str
    marked_ms: int
    progress: int


def mark_alive(unit: Unit, component: str, at_ms: int, progress: int) -> None:
    """Leave the component's mark, replacing its last."""
    statement = insert(unit, liveness_mark)
    new = statement.excluded
    unit.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["component"], set_={"marked_ms": new.marked_ms, "progress": new.progress}
        ),
        {"component": component, "marked_ms": at_ms, "progress": progress},
    )


def liveness_marks(unit: Unit) -> Mapping[str, LivenessMark]:
    """Return every component's last mark."""
    return {row.component: LivenessMark(**row._mapping) for row in unit.connection.execute(select(liveness_mark))}
