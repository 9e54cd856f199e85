"""Set-up: who is the demo's administrator until then, and who isn't."""

from __future__ import annotations

import re
import socket

import pytest
from httpx import Client

from aldea.dashboard_api.server import CannotServe, HttpServer
from dashboard_api.accounts import GOOD, send
from dashboard_api.village import Village


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


def test_a_proxy_that_names_nobody_does_not_make_a_demo_admin(server: HttpServer) -> None:
    for version, status in (("1.0", b"401"), ("1.1", b"200")):
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            head = f"GET /api/v1/sites HTTP/{version}\r\nHost: 127.0.0.1:{server.port}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(64).split()[1] == status


def test_other_addresses_are_served_only_with_an_administrator(empty: Village) -> None:
    from aldea.dashboard_api.access.opening import check_address

    check_address(empty.register, "127.0.0.1")
    with pytest.raises(CannotServe, match="no administrator yet"):
        check_address(empty.register, "0.0.0.0")
