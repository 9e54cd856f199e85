"""Contact points, test messages and the log of notifications, as people and programs meet them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from httpx import Client, Response
from playwright.sync_api import Browser, expect

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.channels import CHANNELS, PROBLEMS
from aldea.alert_rules.notify.dispatcher import Dispatcher
from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.notify.occasion import Occasion, Transition
from aldea.alert_rules.notify.provider import ProviderSender
from aldea.alert_rules.notify.sending import SendFailure
from aldea.alert_rules.settings import AlertSettings
from aldea.dashboard_api import contact_view
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.dashboard_api.web.contact_words import (
    FAILURE_WORDS,
    FIELD_WORDS,
    KIND_WORDS,
    PROBLEM_WORDS,
    STATE_WORDS,
)
from aldea.model.clock import ManualClock
from aldea.storage.register.contacts import ContactPoint, QuietHours, add_contact, find_contact
from aldea.storage.register.notifications import NotificationState
from aldea.storage.register.people import Grant, add_person, give_role
from alert_rules.notify.servers import Answer, Web
from dashboard_api.accounts import SignIn
from dashboard_api.village import NOW_MS, Village
from rigs.waiting import eventually

SECRET = "very-secret-token"


@pytest.fixture
def team(empty: Village) -> Village:
    with empty.register.transaction() as unit:
        for person, region in (("tecnica", "Yucatán"), ("operacion", "")):
            add_person(unit, person, person.title(), NOW_MS)
            give_role(unit, Grant(person, "technician", "", region, NOW_MS, None))
    return empty


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


@pytest.fixture
def notifier(team: Village, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Dispatcher]:
    """A notifier at work, as `aldea up` runs it, for which pages wait as long as it takes."""
    monkeypatch.setattr(contact_view, "TEST_WAIT_SECONDS", 60.0)
    settings = AlertSettings(send_timeout_seconds=30)
    sender = ProviderSender(settings, clock)
    dispatcher = Dispatcher(team.register, clock, sender, settings)
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.05):
            dispatcher.step()

    dispatcher.step()
    thread = threading.Thread(target=work)
    thread.start()
    yield dispatcher
    over.set()
    thread.join()
    dispatcher.close()
    sender.close()


@pytest.fixture
def manager(team: Village, clock: ManualClock, signed_in: SignIn) -> Client:
    app = create_app(team.register, team.series, clock, ApiSettings())
    return signed_in(app, "operator", headers={"accept": "text/html", "accept-language": "en"})


def post(client: Client, path: str, **fields: str) -> Response:
    page = client.get("/admin/contacts/new?person=tecnica")
    found = re.search(r'name="csrf" value="([^"]+)"', page.text) or re.search(
        r'type="hidden" name="([a-z_]*csrf[a-z_]*)" value="([^"]+)"', page.text
    )
    assert found is not None, page.text[:2000]
    name, value = ("csrf", found[1]) if found.re.groups == 1 else (found[1], found[2])
    return client.post(path, data={name: value, **fields})


def typed(**fields: str) -> dict[str, str]:
    return {
        "person": "tecnica",
        "kind": "email",
        "address": "tecnica@example.org",
        "language": "es",
        "enabled": "1",
        **fields,
    }


def stored(team: Village, number: int = 1) -> ContactPoint | None:
    with team.register.reading() as unit:
        return find_contact(unit, number)


def put(team: Village, kind: str = "email", person: str = "tecnica", **fields: str) -> int:
    with team.register.transaction() as unit:
        return add_contact(unit, ContactPoint(person, kind, fields or {"address": "tecnica@example.org"}, "es", NOW_MS))


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


def test_a_test_message_says_that_it_was_taken(manager: Client, team: Village, notifier: Dispatcher, web: Web) -> None:
    del notifier
    number = put(team, "webhook", url=web.url)
    assert post(manager, f"/admin/contacts/{number}/test").status_code == 303
    page = manager.get("/admin/contacts").text
    assert "The service has taken the test message." in page
    assert "tested" in page
    assert [one.document["transition"] for one in web.requests] == ["test"]


def test_a_test_message_that_failed_says_why_and_what_to_do(
    manager: Client, team: Village, notifier: Dispatcher, web: Web
) -> None:
    del notifier
    web.always = Answer(401, body="bad token")
    number = put(team, "webhook", url=web.url)
    post(manager, f"/admin/contacts/{number}/test")
    page = manager.get("/admin/contacts").text
    assert "The last test failed" in page
    assert "The service refuses the login. Check user, password or token." in page
    assert "HTTP 401 Unauthorized: bad token" in page


def test_without_a_notifier_the_test_waits_and_the_page_says_why(manager: Client, team: Village) -> None:
    number = put(team)
    post(manager, f"/admin/contacts/{number}/test")
    page = manager.get("/admin/contacts").text
    assert "The test message waits to be sent." in page
    assert "The part that sends messages is not running" in page


def tell(team: Village, incident: str, at_ms: int, **other: Any) -> None:
    announcer = Announcer(AlertSettings(), Writer("http://127.0.0.1"))
    values: dict[str, Any] = {"site": "escuela-01", "site_name": "Escuela", "opened_ms": at_ms, **other}
    occasion = Occasion(incident=incident, transition=Transition.FIRED, **values)
    with team.register.transaction() as unit:
        announcer.announce(unit, occasion, at_ms)


def test_the_log_says_what_was_told_to_whom(manager: Client, team: Village, notifier: Dispatcher, web: Web) -> None:
    del notifier
    assert "Nothing has been sent yet." in manager.get("/admin/notifications").text
    team.add_sites(1, simulated=False, prefix="escuela")
    put(team, "webhook", person="operacion", url=web.url)
    tell(team, "i-1", NOW_MS)
    post(manager, "/admin/contacts/1/test")
    page = manager.get("/admin/notifications").text
    assert "Aldea: Escuela: sin conexión" in page
    assert "Operacion" in page
    assert "No notification fits." in manager.get("/admin/notifications?state=expired").text
    assert manager.get("/admin/notifications?state=nope").status_code == 400
    of_it = "/api/v1/notifications?incident=i-1"
    eventually(lambda: manager.get(of_it).json()["items"][0]["state"] == "sent")
    document = manager.get(of_it).json()
    assert document["next"] is None
    (item,) = document["items"]
    assert (item["key"], item["state"], item["person"]) == ("i-1:fired:webhook.1:operacion", "sent", "operacion")
    assert web.url not in str(document)
    paged = manager.get("/api/v1/notifications?limit=1").json()
    older = manager.get(f"/api/v1/notifications?limit=1&after={paged['next']}").json()
    assert [one["transition"] for one in paged["items"] + older["items"]] == ["test", "fired"]


def test_a_test_by_the_api_answers_what_became_of_it(
    team: Village, clock: ManualClock, notifier: Dispatcher, web: Web
) -> None:
    del notifier
    number = put(team, "webhook", url=web.url)
    app = create_app(team.register, team.series, clock, ApiSettings(demo_admin=True))
    server = serve(app, port=0)
    with Client(base_url=server.url, timeout=60) as client:
        answer = client.post(f"/api/v1/contacts/{number}/test")
        assert (answer.status_code, answer.json()["state"]) == (200, "sent")
        assert client.post("/api/v1/contacts/99/test").status_code == 404
    server.stop()


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


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["es", "en"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_pages_fit_the_screen(browser: Browser, team: Village, clock: ManualClock, lang: str, width: int) -> None:
    team.add_sites(1, simulated=False, prefix="escuela")
    put(team, person="operacion", address="una-direccion-bastante-larga@correo.example.org")
    put(team, "webhook", url="https://example.org/x")
    tell(team, "i-1", NOW_MS)
    server = serve(create_app(team.register, team.series, clock, ApiSettings(demo_admin=True)), port=0)
    context = browser.new_context(
        viewport={"width": width, "height": 800}, locale=f"{lang}-MX", java_script_enabled=False
    )
    page = context.new_page()
    titles = {"es": ("Contactos", "Notificaciones"), "en": ("Contacts", "Notifications")}[lang]
    for path, title in zip(("/admin/contacts", "/admin/notifications"), titles, strict=True):
        page.goto(server.url + path)
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
    for kind in CHANNELS:
        page.goto(f"{server.url}/admin/contacts/new?person=tecnica&kind={kind}")
        assert page.evaluate("document.documentElement.scrollWidth") == width, kind
    page.goto(f"{server.url}/admin/contacts/new?person=tecnica&kind=email")
    page.locator("#f-address").fill("tecnica@example.org")
    page.locator("form[action='/admin/contacts'] button[type=submit]").click()
    expect(page.get_by_text("tecnica@example.org", exact=True)).to_be_visible()
    context.close()
    server.stop()
