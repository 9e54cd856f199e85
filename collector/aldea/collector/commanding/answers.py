"""Answers to commands, and repairs that were reported: from rows into the register."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aldea.model.overlays import is_too_deep
from aldea.storage.register.commands import note_answer
from aldea.storage.register.incidents import IncidentState, add_incident_event, list_incidents
from aldea.storage.register.repairs import Repair, add_repair

if TYPE_CHECKING:
    from aldea.collector.commanding.rows import DocumentRow
    from aldea.storage.register import Unit

MOST_INCIDENTS = 50
_MOST_DIGITS = 18


def take_answer(unit: Unit, row: DocumentRow) -> None:
    """Note what a device says of a command. Raises RegisterError for one it was never given, or no known state."""
    fields = row.fields
    note_answer(
        unit,
        row.site,
        row.device,
        str(fields.get("command") or ""),
        str(fields.get("state") or ""),
        _object(fields.get("detail")),
        row.at_ms,
    )


def take_repair(unit: Unit, row: DocumentRow) -> None:
    """Keep a repair that was reported, and write it into the timelines of the site's open incidents.

    Raises RegisterError for a row without an id.
    """
    fields = row.fields
    new = Repair(
        site=row.site,
        id=str(fields.get("repair") or ""),
        device=row.device,
        heard_ms=row.arrival_ms,
        said_ms=row.event_ms,
        findings=_json(fields.get("findings")),
        note=str(fields.get("note") or ""),
    )
    if not add_repair(unit, new):
        return
    for one in list_incidents(unit, sites=[row.site], states=[IncidentState.FIRING], limit=MOST_INCIDENTS):
        detail = {"repair": new.id, "device": new.device, "note": new.note}
        add_incident_event(unit, one.id, row.at_ms, "repair_said", detail)


def _object(text: object) -> Mapping[str, Any]:
    found = _json(text)
    return found if isinstance(found, dict) else {}


def _json(text: Any) -> Any:
    """Return what a box has written, whatever that is; None for what is no JSON, or lies too deep to be looked at."""
    try:
        found = json.loads(text, parse_int=_whole, parse_float=_number, parse_constant=str)
    except (TypeError, ValueError, RecursionError):
        return None
    return None if is_too_deep({"": found}) else found


def _whole(text: str) -> int | str:
    """Return a number that databases and pages can take; a larger one stays a text."""
    return int(text) if len(text) <= _MOST_DIGITS else text


def _number(text: str) -> float | str:
    found = float(text)
    return found if math.isfinite(found) else text
