"""The log of notifications, and that the pages fit the screen."""

from __future__ import annotations

import pytest
from httpx import Client
from playwright.sync_api import Browser, expect

from aldea.alert_rules.notify.channels import CHANNELS
from aldea.alert_rules.notify.dispatcher import Dispatcher
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from alert_rules.notify.servers import Web
from dashboard_api.contacts.points import post, put, tell
from dashboard_api.village import NOW_MS, Village
from rigs.waiting import eventually


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
