"""Whom the page answers, under which name, and what every answer carries."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentkit.box import Browser, make_view
from aldea.agents.page.app import build_app, build_site
from aldea.agents.page.pins import PinStore
from aldea.agents.page.rendering import PAGES
from aldea.agents.page_settings import PageSettings
from aldea.model.clock import ManualClock


@pytest.mark.parametrize("peer", ["192.168.1.7", "10.0.0.9", "172.31.0.1", "169.254.3.4", "127.0.0.1", "fe80::1%eth0"])
def test_a_phone_on_the_sites_network_is_answered(browser: Browser, peer: str) -> None:
    browser.peer = peer
    assert browser.get("/pin").status == 200


@pytest.mark.parametrize("peer", ["203.0.113.9", "100.64.0.7", "172.32.0.1", "2001:db8::1", "::ffff:203.0.113.9", ""])
def test_nobody_from_elsewhere_is_answered(browser: Browser, peer: str) -> None:
    browser.peer = peer
    answer = browser.get("/pin")
    assert answer.status == 403
    assert "solo para la red de la comunidad" in answer.text
    assert "yaxcaba" not in answer.text


@pytest.mark.parametrize("host", ["192.168.1.2:8080", "192.168.1.2", "localhost:8080", "ALDEA.local", "[fe80::1]:8080"])
def test_the_box_answers_to_its_addresses_and_names(browser: Browser, host: str) -> None:
    browser.host = host
    assert browser.get("/pin").status == 200


@pytest.mark.parametrize(
    "host", ["rebind.example.org", "192.168.1.2.example.org:8080", "", "evil", "203.0.113.5:8080", "[2001:db8::1]"]
)
def test_a_foreign_name_that_leads_here_is_refused(browser: Browser, host: str) -> None:
    browser.host = host
    assert browser.get("/pin").status == 421


def test_a_name_of_its_own_can_be_given(tmp_path: Path, clock: ManualClock) -> None:
    page = PageSettings(enabled=True, names=("caja.pueblo.mx",))
    browser = Browser(build_site(make_view(tmp_path, clock, page)), host="caja.pueblo.mx:8080")
    assert browser.get("/pin").status == 200
    browser.host = "aldea.local"
    assert browser.get("/pin").status == 421


def test_every_answer_forbids_what_the_pages_do_not_need(browser: Browser) -> None:
    for path in ("/pin", "/nothing"):
        headers = browser.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; form-action 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_page_that_is_not_there_is_said_in_both_languages(browser: Browser) -> None:
    answer = browser.get("/none")
    assert answer.status == 404
    assert "Aquí no existe esa página." in answer.text
    assert "There is no such page here." in browser.get("/none?lang=en").text
    assert "There is no such page here." in browser.get("/none").text, "the language is remembered"


def test_a_form_without_our_token_changes_nothing(browser: Browser, tmp_path: Path) -> None:
    PinStore(tmp_path, None).set("4711")
    answer = browser.post_bare("/pin", {"pin": "4711"})
    assert answer.status == 403
    assert "no era de esta página" in answer.text
    assert browser.post_bare("/pin", {"pin": "4711", "csrf": "é" * 32}).status == 403
    token = browser.get("/pin").csrf
    assert browser.post_bare("/pin", {"pin": "4711", "csrf": token}, origin="http://evil.example").status == 403
    browser.peer = "192.168.1.51"
    assert browser.post_bare("/pin", {"pin": "4711", "csrf": token}).status == 403, "another phone's token"
    browser.peer = "192.168.1.50"
    assert browser.post_bare("/pin", {"pin": "4711", "csrf": token}, origin="http://192.168.1.2:8080").status == 303


def test_a_form_from_before_a_restart_of_the_agent_is_still_taken(tmp_path: Path, clock: ManualClock) -> None:
    PinStore(tmp_path, None).set("4711")
    token = Browser(build_site(make_view(tmp_path, clock))).get("/pin").csrf
    again = Browser(build_site(make_view(tmp_path, clock)))
    assert again.post_bare("/pin", {"pin": "4711", "csrf": token}).status == 303


def test_a_body_that_is_too_large_is_refused_with_a_page(browser: Browser) -> None:
    answer = browser.post_bare("/pin", {"pin": "1" * 300_000})
    assert answer.status == 413
    assert "256 KB" in answer.text


@pytest.mark.parametrize(
    ("kind", "one", "end"),
    [
        ("application/x-www-form-urlencoded", b"a&", b""),
        ("text/plain", b"a;", b""),
        ("multipart/form-data; boundary=X", b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n', b"--X--"),
    ],
)
def test_a_form_of_very_many_fields_is_refused_before_it_is_taken_apart(
    browser: Browser, kind: str, one: bytes, end: bytes
) -> None:
    body = one * (250_000 // len(one)) + end
    refused = browser.send("/pin", body, kind)
    assert refused.status == 413
    fits = browser.send("/pin/out", b"a=1&" * 3_000, "application/x-www-form-urlencoded")
    assert fits.status == 403, "a roster of a large village is no such form"


def test_a_fault_in_a_page_is_a_page_and_nothing_of_it_is_shown(tmp_path: Path, clock: ManualClock) -> None:
    app = build_app(make_view(tmp_path, clock))

    def broken() -> str:
        raise RuntimeError("secret detail")

    app.route("/broken", "GET", broken)
    browser = Browser(app)
    answer = browser.get("/broken")
    assert answer.status == 500
    assert "Algo falló en la caja" in answer.text
    assert "secret detail" not in answer.text
    assert app.config[PAGES] is not None


def test_the_style_sheet_is_served_once_and_kept(browser: Browser) -> None:
    page = browser.get("/pin").text
    path = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    answer = browser.get(path)
    assert answer.status == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/css")
