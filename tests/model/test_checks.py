"""Checks that settings of several parts share."""

from __future__ import annotations

import pytest

from aldea.model.checks import a_url, a_zone, an_id, is_loopback


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "192.0.2.1", "127.0.0.1.example.org", "::10", "localhost.example.org", "0.0.0.0"])
def test_another_machine_is_not_taken_for_this_one(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "Yucatan", "America", "../etc/passwd", ""])
def test_what_is_no_zone_gets_an_example(zone: str) -> None:
    assert "IANA time zone such as" in (a_zone(zone) or "")
    assert a_zone("America/Merida") is None


@pytest.mark.parametrize(
    "url", ["", "aldea.example.org", "ftp://example.org", "https://", "https://a:b@c", "http://[::1"]
)
def test_an_address_with_a_secret_or_without_a_host_is_refused(url: str) -> None:
    assert "a host, and no user name" in (a_url(url) or "")
    assert a_url("https://example.org:8000/aldea") is None


def test_an_id_says_what_it_may_hold() -> None:
    assert an_id("escuela-1") is None
    assert "1 to 39 of a-z" in (an_id("Escuela 1") or "")
