"""What people do with an incident: they have seen it, look after it, and write what they did."""

from __future__ import annotations

from sqlalchemy import select, update

from aldea.model.said import Said
from aldea.storage.register import incident_words as words
from aldea.storage.register.encoding import clean_text
from aldea.storage.register.errors import RegisterError, UnknownEntryError
from aldea.storage.register.incidents import Incident, add_incident_event, incident_of
from aldea.storage.register.register import Unit
from aldea.storage.register.tables import incident

TEXT_LIMIT = 2000


def acknowledge(unit: Unit, incident_id: str, person: str, at_ms: int, note: str = "") -> Incident:
    """Note that `person` has seen the incident; who came first stays named, later ones go into the timeline.

    Returns the incident as it is then. Raises UnknownEntryError when there is none, RegisterError for a note that
    is too long.
    """
    found = _locked(unit, incident_id)
    if found.acknowledged_ms is None:
        values = {"acknowledged_by": person, "acknowledged_at_ms": at_ms}
        unit.connection.execute(update(incident).where(incident.c.id == incident_id).values(**values))
    add_incident_event(unit, incident_id, at_ms, "acknowledged", {"note": _text(note, words.NOTE)}, person)
    return _locked(unit, incident_id)


def comment(unit: Unit, incident_id: str, person: str, at_ms: int, text: str) -> None:
    """Add `person`'s words to the timeline.

    Raises UnknownEntryError when there is no such incident, RegisterError for an empty or too long text.
    """
    _locked(unit, incident_id)
    if not text.strip():
        raise RegisterError(words.empty_comment())
    add_incident_event(unit, incident_id, at_ms, "comment", {"text": _text(text, words.COMMENT)}, person)


def set_owner(unit: Unit, incident_id: str, owner: str | None, at_ms: int, author: str) -> None:
    """Say who looks after the incident; None: nobody. Raises UnknownEntryError when there is no such incident."""
    if _locked(unit, incident_id).owner == owner:
        return
    unit.connection.execute(update(incident).where(incident.c.id == incident_id).values(owner=owner))
    add_incident_event(unit, incident_id, at_ms, "owner", {"owner": owner}, author)


def _locked(unit: Unit, incident_id: str) -> Incident:
    row = unit.connection.execute(select(incident).where(incident.c.id == incident_id).with_for_update()).first()
    if row is None:
        raise UnknownEntryError(words.no_incident(incident_id))
    return incident_of(row)


def _text(text: str, what: Said) -> str:
    cleaned = clean_text(text.strip())
    if len(cleaned) > TEXT_LIMIT:
        raise RegisterError(words.long_text(what, len(cleaned), TEXT_LIMIT))
    return cleaned
