"""Signing in and out, how long a session lasts, and new passwords."""

from __future__ import annotations

import re

import pytest
from httpx import Client
from playwright.sync_api import Browser

from aldea.dashboard_api.access.cookies import SESSION
from aldea.dashboard_api.access.redirects import local_path
from aldea.dashboard_api.server import HttpServer
from aldea.model.clock import ManualClock
from aldea.storage.register.sessions import IDLE_MS, LONGEST_MS
from dashboard_api.accounts import GOOD, csrf_of, send, session_of
from dashboard_api.village import NOW_MS, Village


def test_the_form_to_sign_in_comes_empty(client: Client) -> None:
    field = re.search(r'<input id="f-account"[^>]*>', client.get("/sign-in").text)
    assert field is not None
    assert 'value=""' in field.group()


def test_signing_in_begins_a_new_session_and_out_ends_it(admin: Client) -> None:
    first = admin.cookies[SESSION]
    send(admin, "/sign-out", on="/account")
    assert SESSION not in admin.cookies
    assert admin.get("/account").status_code == 303
    answer = send(admin, "/sign-in", account="Admin-One", password=GOOD, next="/account")
    assert answer.headers["location"] == "/account"
    cookie = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(SESSION))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert admin.cookies[SESSION] != first
    admin.cookies.set(SESSION, first)
    assert admin.get("/account").status_code == 303, "a session that ended can't be used again"


def test_a_wrong_password_and_an_unknown_name_are_answered_alike_and_slowed_down(
    admin: Client, clock: ManualClock
) -> None:
    send(admin, "/sign-out", on="/account")
    texts = []
    for account in ("admin-one", "nobody-at-all"):
        answer = send(admin, "/sign-in", account=account, password="not the password")
        texts.append(re.sub(r'(csrf" value="[^"]+)|(value="(admin-one|nobody-at-all)")', "", answer.text))
    assert texts[0] == texts[1]
    for _ in range(4):
        assert send(admin, "/sign-in", account="admin-one", password="wrong again").status_code == 403
    held = send(admin, "/sign-in", account="admin-one", password=GOOD)
    assert held.status_code == 429
    assert int(held.headers["retry-after"]) <= 5
    clock.advance(5_000)
    assert send(admin, "/sign-in", account="admin-one", password=GOOD).status_code == 303


@pytest.mark.parametrize(("idle", "times"), [(IDLE_MS, 1), (IDLE_MS - 1, LONGEST_MS // (IDLE_MS - 1) + 1)])
def test_a_session_ends_when_it_is_idle_and_at_the_latest_after_a_fortnight(
    admin: Client, clock: ManualClock, idle: int, times: int
) -> None:
    for _ in range(times - 1):
        clock.advance(idle)
        assert admin.get("/account").status_code == 200
    clock.advance(idle)
    assert admin.get("/account").status_code == 303


def test_a_form_without_this_sessions_signature_changes_nothing(admin: Client, empty: Village) -> None:
    for data in ({}, {"csrf": "x"}, {"csrf": "ü"}):
        answer = admin.post("/admin/people", data={"account": "mallory", "label": "Mallory", **data})
        assert answer.status_code == 403
    stolen = csrf_of(admin.get("/account"))
    admin.cookies.set(SESSION, session_of(empty.register, "other", "admin", NOW_MS))
    refused = admin.post("/admin/people", data={"account": "mallory", "label": "Mallory", "csrf": stolen})
    assert refused.status_code == 403
    assert "mallory" not in admin.get("/admin/people").text


def test_a_new_password_ends_every_other_session(admin: Client, server: HttpServer) -> None:
    with Client(base_url=server.url) as other:
        send(other, "/sign-in", account="admin-one", password=GOOD)
        assert other.get("/account").status_code == 200
        wrong = send(
            admin, "/account/password", on="/account", old="no", password="another long one", again="another long one"
        )
        assert "not your present password" in wrong.text
        new = {"old": GOOD, "password": "another long one", "again": "another long one"}
        assert send(admin, "/account/password", on="/account", **new).status_code == 303
        assert other.get("/account").status_code == 303
        assert admin.get("/account").status_code == 200


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "/\tx", "javascript:x", "", "/sign-out"]
)
def test_the_next_address_is_always_ours(path: str) -> None:
    assert local_path(path) == "/"
    assert local_path("/sites/a?span=7d") == "/sites/a?span=7d"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_phone_signs_in_does_a_thing_and_signs_out(
    admin: Client, server: HttpServer, browser: Browser, *, scripts: bool
) -> None:
    send(admin, "/sign-out", on="/account")
    context = browser.new_context(viewport={"width": 360, "height": 740}, locale="es-MX", java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{server.url}/admin/people")
    page.fill("[name=account]", "admin-one")
    page.fill("[name=password]", GOOD)
    page.click("main button")
    assert page.url == f"{server.url}/admin/people"
    page.fill("[name=label]", "Facilitadora de Tekax")
    page.fill("[name=account]", "tekax")
    page.click("main form button")
    assert page.get_by_text("Facilitadora de Tekax").first.is_visible()
    page.goto(f"{server.url}/account")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360 if scripts else True
    page.click("form[action='/sign-out'] button")
    assert page.url == f"{server.url}/sign-in"
    page.goto(f"{server.url}/account")
    assert "/sign-in?next=%2Faccount" in page.url
    context.close()
