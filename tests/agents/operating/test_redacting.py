"""Nothing that tells of a person, and no secret, leaves in a log line or anywhere in the diagnostics."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.agents.log_ring import LONGEST, LogRing
from aldea.agents.operating.redacting import GONE, redacted, redacted_value

OCTETS = st.lists(st.integers(0, 255), min_size=6, max_size=6)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz ", max_size=30)


@settings(max_examples=300)
@given(OCTETS, st.sampled_from([":", "-"]), st.booleans(), WORDS, WORDS)
def test_no_hardware_address_stays(octets: list[int], mark: str, upper: bool, before: str, behind: str) -> None:
    mac = mark.join(f"{octet:02x}" for octet in octets)
    mac = mac.upper() if upper else mac
    found = redacted(f"{before} {mac} {behind}")
    assert mac not in found
    assert GONE in found


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("lease of 0011.22aa.bbcc renewed", "0011.22aa.bbcc"),
        ("interface enx001122aabbcc is up", "001122aabbcc"),
        ("neighbour 001122aabbcc seen", "001122aabbcc"),
        ("route via fe80::211:22ff:feaa:bbcc%eth0", "22ff:feaa"),
        ("asked by persona.ejemplo@correo.example.mx today", "persona.ejemplo"),
        ("password=hunter2-and-more rest", "hunter2"),
        ('{"password": "hunter2 with spaces", "a": 1}', "hunter2"),
        ("SNMP community: s3cret-comm", "s3cret-comm"),
        ("the token is abcDEF123", "abcDEF123"),
        ("mqtt_password_hash='hunter2'", "hunter2"),
        ("api-key=hunter2;x", "hunter2"),
        ("https://user:hunter2@host.example/x", "hunter2"),
        ("Authorization: Bearer hunter2hunter2", "hunter2hunter2"),
        ("enrolment code: K7QM-3XPT", "K7QM-3XPT"),
        ("pin=493817", "493817"),
    ],
)
def test_secrets_and_addresses_are_taken_out(text: str, secret: str) -> None:
    assert secret not in redacted(text)
    assert GONE in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22 17:00:01,123 INFO aldea.agents.uplink.uplink: connected to 192.0.2.7:8883",
        "probe ping took longer than 10 s; next attempt in 0.4 s",
        "boot 0123456789abcdef, seq 120034, 1750000000000 ms",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert redacted(text) == text


def test_every_text_in_a_value_is_looked_at() -> None:
    found = redacted_value({"log": ["a 00:11:22:aa:bb:cc", {"deep": ("pin=1234",)}], "n": 5, "none": None})
    assert found == {"log": [f"a {GONE}", {"deep": [f"pin={GONE}"]}], "n": 5, "none": None}


def test_the_ring_keeps_the_newest_lines_each_cut_and_an_error_by_its_last_line() -> None:
    ring = LogRing(lines=3)
    logger = logging.getLogger("aldea.agents.ring_of_this_test")
    logger.addHandler(ring)
    logger.setLevel(logging.INFO)
    try:
        for number in range(3):
            logger.info("line %d %s", number, "x" * 1_000)
        logger.debug("too small")
        try:
            raise ValueError("the reason")
        except ValueError:
            logger.exception("it failed")
    finally:
        logger.removeHandler(ring)
    lines = ring.lines()
    assert len(lines) == 3
    assert all(len(line) <= LONGEST for line in lines)
    assert "line 1" in lines[0]
    assert lines[2].endswith("it failed | ValueError: the reason")
