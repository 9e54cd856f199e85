"""Set-up, signing in and out, passwords, tokens, and which sites a grant shows."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from httpx import Client
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser

from aldea.dashboard_api.access.cookies import SESSION
from aldea.dashboard_api.access.identify import narrowed
from aldea.dashboard_api.access.permissions import ROLES, Permission
from aldea.dashboard_api.access.redirects import local_path
from aldea.dashboard_api.access.visitor import Held, SiteScope
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import CannotServe, HttpServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.audit import AuditEntry, list_audit
from aldea.storage.register.people import Grant, add_person, give_role
from aldea.storage.register.sessions import IDLE_MS, LONGEST_MS
from aldea.storage.register.tokens import Token
from dashboard_api.accounts import csrf_of, send, session_of, token_of
from dashboard_api.village import HOUR, NOW_MS, Village

GOOD = "correct horse battery"


@pytest.fixture
def app(empty: Village, clock: ManualClock) -> FastAPI:
    return create_app(empty.register, empty.series, clock, ApiSettings(demo_admin=True))


@pytest.fixture
def server(app: FastAPI) -> Iterator[HttpServer]:
    running = serve(app, port=0)
    yield running
    running.stop()


@pytest.fixture
def client(server: HttpServer) -> Iterator[Client]:
    with Client(base_url=server.url, timeout=60, headers={"Accept-Language": "en", "Accept": "text/html"}) as client:
        yield client


@pytest.fixture
def admin(client: Client) -> Client:
    """A client that has set up the first administrator, and is signed in as them."""
    answer = send(client, "/setup", label="Admin One", account="admin-one", password=GOOD, again=GOOD)
    assert answer.status_code == 303, answer.text
    return client


def test_until_set_up_everybody_here_is_the_demo_admin_and_then_nobody_is(client: Client, server: HttpServer) -> None:
    assert "Demo administrator" in client.get("/").text
    send(client, "/setup", label="Admin One", account="admin-one", password=GOOD, again=GOOD)
    assert "You are the administrator now" in client.get("/").text
    assert "You are the administrator now" not in client.get("/").text, "it is said once"
    with Client(base_url=server.url) as stranger:
        assert stranger.get("/").headers["location"] == "/sign-in?next=%2F"
        refused = stranger.get("/api/v1/sites")
        assert refused.status_code == 401
        assert refused.headers["content-type"] == "application/problem+json"
        assert stranger.get("/setup").headers["location"] == "/sign-in"


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"X-Forwarded-For": "203.0.113.9"}])
def test_a_foreign_name_or_a_proxy_does_not_make_a_demo_admin(client: Client, headers: dict[str, str]) -> None:
    assert client.get("/", headers=headers).status_code == 303
    assert client.get("/setup", headers=headers).status_code == 403


def test_set_up_keeps_what_was_typed_and_says_what_is_wrong(client: Client) -> None:
    answer = send(client, "/setup", label="Dirección", account="Nombre Apellido", password="short", again="other")
    assert answer.status_code == 400
    assert 'value="nombre apellido"' in answer.text
    assert "without spaces" in answer.text
    assert "at least 10 characters" in answer.text
    assert "short" not in re.sub("A short name", "", answer.text), "a password is never sent back"


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


def test_people_get_a_link_a_role_and_an_end_and_may_be_kept_out(
    admin: Client, server: HttpServer, empty: Village, clock: ManualClock
) -> None:
    empty.add_sites(5)
    page = send(admin, "/admin/people", label="Beto", account="beto")
    link = re.search(r"/set-password/[\w-]+", page.text)
    assert link is not None
    given_role = {"role": "technician", "programme": "aldeas", "region": "Yucatán", "ends": "2026-11-22"}
    assert send(admin, "/admin/people/beto/grants", on="/admin/people/beto", **given_role).status_code == 303
    assert "already" in send(admin, "/admin/people/beto/grants", on="/admin/people/beto", **given_role).text
    with Client(base_url=server.url, headers={"Accept-Language": "en"}) as beto:
        assert send(beto, link[0], password=GOOD + "!", again=GOOD + "!").status_code == 303
        assert send_fails(beto, link[0]), "a link works once"
        sites = [item["id"] for item in beto.get("/api/v1/sites").json()["items"]]
        assert sites == ["sitio-01", "sitio-05"], "Tekax and Yaxcabá are in Yucatán"
        assert beto.get("/api/v1/sites/sitio-02").status_code == 404
        assert beto.get("/sites/sitio-02").status_code == 404
        assert beto.get("/api/v1/sites/sitio-02/measurements").status_code == 404
        assert beto.get("/api/v1/completeness?site=sitio-02").status_code == 404
        assert 'aldea_sites{simulated="true",state="unknown"} 2.0' in beto.get("/metrics").text
        assert "sitio-02" not in beto.get("/").text
        midnight = 1_795_413_600_000  # 2026-11-23 00:00 in Mexico City
        clock.advance(6 * HOUR)
        assert beto.get("/account").status_code == admin.get("/account").status_code == 200
        clock.advance(midnight - NOW_MS - 6 * HOUR - 1)
        assert beto.get("/api/v1/sites").status_code == 200, "the last day is whole"
        clock.advance(1)
        assert beto.get("/api/v1/sites").status_code == 403, "and then it is over, with nobody's help"
        send(admin, "/admin/people/beto/disable", on="/admin/people/beto")
        assert beto.get("/account").status_code == 303
    deeds = [entry.action for entry in _audit(empty)]
    assert {"set_up", "person_added", "grant_given", "password_set", "person_disabled"} <= set(deeds)


def test_a_proxy_that_names_nobody_does_not_make_a_demo_admin(server: HttpServer) -> None:
    for version, status in (("1.0", b"401"), ("1.1", b"200")):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            head = f"GET /api/v1/sites HTTP/{version}\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(64).split()[1] == status


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"role": "king"}, "Choose one of the roles in the list"),
        ({"role": "admin", "region": "Yucatán"}, "leave programme and region empty"),
        ({"role": "viewer", "programme": "aldea"}, "There is no such programme"),
        ({"role": "viewer", "region": "Yucatan"}, "That is no federal state"),
        ({"role": "viewer", "ends": "30/6/2027"}, "Write the day as year-month-day"),
        ({"role": "viewer", "ends": "2020-01-01"}, "That day has passed"),
        ({"role": "viewer", "ends": "9999-12-31"}, "Write the day as year-month-day"),
    ],
)
def test_a_role_that_cannot_be_gets_a_sentence_and_what_was_typed_stays(
    admin: Client, empty: Village, typed: dict[str, str], said: str
) -> None:
    empty.add_sites(1)
    send(admin, "/admin/people", label="Beto", account="beto")
    page = send(admin, "/admin/people/beto/grants", on="/admin/people/beto", **typed)
    assert page.status_code == 400
    assert said in page.text
    for name in set(typed) - {"role"}:
        assert f'value="{typed[name]}"' in page.text
    assert send(admin, "/admin/people/nobody/grants", on="/admin/people", role="viewer").status_code == 404


def test_the_last_administrator_stays(admin: Client) -> None:
    answer = send(admin, "/admin/people/admin-one/disable", on="/admin/people/admin-one")
    assert answer.status_code == 400
    assert "leave nobody who can let people in" in answer.text
    assert admin.get("/admin/people").status_code == 200


def test_a_token_does_what_was_chosen_until_it_is_revoked(admin: Client, server: HttpServer) -> None:
    page = send(admin, "/account/tokens", on="/account", name="prometheus", permission=["view", "administer"])
    secret = re.search(r">(aldea_[\w-]+)</textarea>", page.text)
    assert secret is not None
    assert secret[1] not in admin.get("/account").text
    with Client(base_url=server.url, headers={"Authorization": f"Bearer {secret[1]}"}) as program:
        assert program.get("/api/v1/sites").status_code == 200
        assert program.get("/admin/people").status_code == 403
        send(admin, "/account/tokens/1/revoke", on="/account")
        refused = program.get("/api/v1/sites")
        assert refused.status_code == 401
        assert "revoked" in refused.json()["detail"]


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


def test_other_addresses_are_served_only_with_an_administrator(empty: Village) -> None:
    from aldea.dashboard_api.access.opening import check_address

    check_address(empty.register, "127.0.0.1")
    with pytest.raises(CannotServe, match="no administrator yet"):
        check_address(empty.register, "0.0.0.0")


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "/\tx", "javascript:x", "", "/sign-out"]
)
def test_the_next_address_is_always_ours(path: str) -> None:
    assert local_path(path) == "/"
    assert local_path("/sites/a?span=7d") == "/sites/a?span=7d"


TEXTS = st.sampled_from(["", "aldeas", "taller"])


@given(st.sampled_from(sorted(ROLES)), TEXTS, TEXTS, TEXTS, TEXTS, st.sets(st.sampled_from(list(Permission))))
def test_a_token_never_allows_more_than_its_owner_may(
    role: str, programme: str, region: str, narrow: str, place: str, wanted: set[Permission]
) -> None:
    owner = Held(ROLES[role], programme, region)
    token = Token(1, "x", "t", tuple(wanted), narrow, place, 0, None, None, None)
    for left in narrowed([owner], token):
        for scope in (SiteScope(frozenset({"aldeas"}), "taller"), SiteScope(frozenset({"taller"}), "aldeas")):
            if left.covers(scope):
                assert owner.covers(scope)
                assert left.permissions <= owner.permissions & wanted


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


def test_a_grant_that_begins_later_does_not_hold_yet(empty: Village, server: HttpServer) -> None:
    with empty.register.transaction() as unit:
        add_person(unit, "later", "Later", NOW_MS)
        give_role(unit, Grant("later", "admin", "", "", NOW_MS + HOUR, None))
    secret = token_of(empty.register, "later", ["view"], NOW_MS)
    with Client(base_url=server.url, headers={"Authorization": f"Bearer {secret}"}) as program:
        assert program.get("/api/v1/sites").status_code == 403


def send_fails(client: Client, path: str) -> bool:
    return client.get(path).status_code == 404


def _audit(village: Village) -> tuple[AuditEntry, ...]:
    with village.register.reading() as unit:
        return list_audit(unit)
