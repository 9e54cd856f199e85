"""Contact points as people meet them: added, changed, refused and kept from others."""

from __future__ import annotations

import pytest
from httpx import Client

from aldea.alert_rules.notify.channels import CHANNELS, PROBLEMS
from aldea.alert_rules.notify.sending import SendFailure
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.settings import ApiSettings
from aldea.dashboard_api.web.contact_words import FAILURE_WORDS, FIELD_WORDS, KIND_WORDS, PROBLEM_WORDS, STATE_WORDS
from aldea.model.clock import ManualClock
from aldea.storage.register.contacts import QuietHours
from aldea.storage.register.notifications import NotificationState
from dashboard_api.accounts import SignIn
from dashboard_api.contacts.points import post, put, stored, typed
from dashboard_api.village import Village

SECRET = "very-secret-token"


def test_a_contact_point_is_added_shown_changed_and_removed(manager: Client, team: Village) -> None:
    answer = post(manager, "/admin/contacts", **typed(quiet_from="22:00", quiet_to="6:30", quiet_zone="America/Merida"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/contacts#contact-1")
    point = stored(team)
    assert point is not None
    assert (point.fields, point.quiet) == ({"address": "tecnica@example.org"}, QuietHours("America/Merida", 1320, 390))
    page = manager.get("/admin/contacts").text
    assert "The contact point is stored." in page
    assert "tecnica@example.org" in page
    assert "not tested yet" in page
    answer = post(manager, "/admin/contacts/1", **typed(address="nueva@example.org", language="en"))
    assert answer.status_code == 303
    changed = stored(team)
    assert changed is not None
    assert (changed.fields["address"], changed.language, changed.quiet) == ("nueva@example.org", "en", None)
    assert post(manager, "/admin/contacts/1/remove").status_code == 303
    assert stored(team) is None


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"address": ""}, "Fill this in."),
        ({"address": "tecnica"}, "This is not an e-mail address. It looks like direccion@example.org."),
        ({"quiet_from": "25:00", "quiet_to": "06:00", "quiet_zone": "America/Merida"}, "Write a time from 00:00"),
        ({"quiet_from": "22:00", "quiet_to": "", "quiet_zone": "America/Merida"}, "or leave both times empty."),
        ({"quiet_from": "22:00", "quiet_to": "22:00", "quiet_zone": "America/Merida"}, "would last all day"),
        ({"quiet_from": "22:00", "quiet_to": "06:00", "quiet_zone": "Mars/Olympus"}, "This is no time zone."),
        ({"language": "xx"}, "Choose one of the languages in the list."),
        ({"kind": "apprise", "url": "nope://x"}, "No service is known for the first part of this address"),
        ({"kind": "sms", "phone": "55 1234"}, "Write the number with + and the country code"),
        ({"kind": "ntfy", "server": "ntfy.sh", "topic": "abc"}, "This is not a web address."),
    ],
)
def test_what_cannot_be_gets_a_sentence_at_its_field_and_keeps_what_was_typed(
    manager: Client, team: Village, fields: dict[str, str], sentence: str
) -> None:
    answer = post(manager, "/admin/contacts", **typed(**fields))
    assert answer.status_code == 400
    assert sentence in answer.text
    assert 'aria-invalid="true"' in answer.text
    kept = next(iter(fields.values()))
    assert not kept or kept in answer.text or "language" in fields, "a choice that is not offered can't be kept"
    assert stored(team) is None


def test_a_secret_is_never_shown_again_and_stays_when_left_empty(manager: Client, team: Village) -> None:
    number = put(team, "webhook", url=f"https://example.org/{SECRET}", token=SECRET)
    for path in ("/admin/contacts", f"/admin/contacts/{number}", "/admin/notifications"):
        assert SECRET not in manager.get(path).text, path
    assert "https://example.org/…" in manager.get("/admin/contacts").text
    post(manager, f"/admin/contacts/{number}", person="tecnica", kind="webhook", url="", token="", language="en")
    point = stored(team, number)
    assert point is not None
    assert point.fields == {"url": f"https://example.org/{SECRET}", "token": SECRET}
    assert (point.language, point.enabled) == ("en", False)


def test_who_may_not_manage_contacts_sees_none(team: Village, clock: ManualClock, signed_in: SignIn) -> None:
    app = create_app(team.register, team.series, clock, ApiSettings())
    client = signed_in(app, "technician")
    for path in ("/admin/contacts", "/admin/notifications", "/api/v1/notifications"):
        assert client.get(path).status_code == 403, path


def test_a_manager_of_a_region_manages_the_people_of_that_region(
    team: Village, clock: ManualClock, signed_in: SignIn
) -> None:
    app = create_app(team.register, team.series, clock, ApiSettings())
    client = signed_in(app, "operator", region="Yucatán", headers={"accept": "text/html"})
    mine, other = put(team), put(team, person="operacion")
    page = client.get("/admin/contacts").text
    assert "p-tecnica" in page
    assert "p-operacion" not in page
    assert client.get(f"/admin/contacts/{mine}").status_code == 200
    assert client.get(f"/admin/contacts/{other}").status_code == 404
    assert client.get("/admin/contacts/new?person=operacion").status_code == 404
    assert post(client, f"/admin/contacts/{other}/remove").status_code == 404
    assert post(client, "/admin/contacts", **typed(person="operacion")).status_code == 404


def test_the_pages_words_are_the_programs_words() -> None:
    assert dict(PROBLEM_WORDS) == dict(PROBLEMS)
    assert set(FAILURE_WORDS) == set(SendFailure)
    assert set(STATE_WORDS) == set(NotificationState)
    assert set(KIND_WORDS) == set(CHANNELS)
    assert set(FIELD_WORDS) == {(kind, item.name) for kind, items in CHANNELS.items() for item in items}
