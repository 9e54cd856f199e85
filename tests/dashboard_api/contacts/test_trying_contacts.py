"""Test messages, by the page and by the API."""

from __future__ import annotations

from httpx import Client

from aldea.alert_rules.notify.dispatcher import Dispatcher
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from alert_rules.notify.servers import Answer, Web
from dashboard_api.contacts.points import post, put
from dashboard_api.village import Village


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
