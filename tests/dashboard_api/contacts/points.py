"""Contact points, typed into the form or put into the register."""

from __future__ import annotations

from typing import Any

from httpx import Client, Response

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.notify.occasion import Occasion, Transition
from aldea.alert_rules.settings import AlertSettings
from aldea.storage.register.contacts import ContactPoint, add_contact, find_contact
from dashboard_api.accounts import send
from dashboard_api.village import NOW_MS, Village


def post(client: Client, path: str, **fields: str) -> Response:
    """Send the form of a contact point, with the signature that its page carries."""
    return send(client, path, on="/admin/contacts/new?person=tecnica", **fields)


def typed(**fields: str) -> dict[str, str]:
    """Return what is typed into the form of a good contact point, but for `fields`."""
    return {
        "person": "tecnica",
        "kind": "email",
        "address": "tecnica@example.org",
        "language": "es",
        "enabled": "1",
        **fields,
    }


def stored(team: Village, number: int = 1) -> ContactPoint | None:
    """Return a contact point as the register has it."""
    with team.register.reading() as unit:
        return find_contact(unit, number)


def put(team: Village, kind: str = "email", person: str = "tecnica", **fields: str) -> int:
    """Add a contact point to the register; return its number."""
    with team.register.transaction() as unit:
        return add_contact(unit, ContactPoint(person, kind, fields or {"address": "tecnica@example.org"}, "es", NOW_MS))


def tell(team: Village, incident: str, at_ms: int, **other: Any) -> None:
    """Tell of an incident, so that the log has something to show."""
    announcer = Announcer(AlertSettings(), Writer("http://127.0.0.1"))
    values: dict[str, Any] = {"site": "escuela-01", "site_name": "Escuela", "opened_ms": at_ms, **other}
    occasion = Occasion(incident=incident, transition=Transition.FIRED, **values)
    with team.register.transaction() as unit:
        announcer.announce(unit, occasion, at_ms)
