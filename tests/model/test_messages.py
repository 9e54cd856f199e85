"""Birth, will, acknowledgement and command: there and back, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.model.clock import ClockState
from aldea.model.messages import (
    MAX_BYTES,
    Ack,
    Birth,
    Command,
    Will,
    encode_ack,
    encode_command,
    encode_status,
    parse_ack,
    parse_command,
    parse_status,
)
from aldea.model.topics import Lane, Topic, TopicError, parse_topic
from aldea.model.wire import Anchor, Rejected

BIRTH = Birth(
    site="tekax",
    device="agent",
    connection=7,
    epoch="0123456789abcdef",
    first_seq=4,
    last_seq=9,
    boot_id="fedcba9876543210",
    boot_no=2,
    mono_ms=5_000,
    wall_ms=-1_000,
    clock=ClockState.RTC,
    sample_seconds=60,
    send_seconds=300,
    version="0.1.0",
    anchor=Anchor(1_000, 1_750_000_000_000, 20, "ntp"),
    sees={"wan_bytes": False},
)
seqs = st.integers(1, 2**53)
ranges = st.lists(st.tuples(seqs, seqs), max_size=5)


@pytest.mark.parametrize("status", [BIRTH, Will("tekax", "agent", 7, "lost")])
def test_a_status_comes_back(status: Birth | Will) -> None:
    assert parse_status(encode_status(status)) == status


@given(ranges, ranges, st.none() | st.integers(0, 2**53))
def test_an_acknowledgement_comes_back(
    stored: list[tuple[int, int]], conflict: list[tuple[int, int]], echo: int | None
) -> None:
    ack = Ack("ab" * 8, 5, echo, 9, stored, [(3, 3, "out_of_range")], conflict, [("0" * 16, "malformed")])
    assert parse_ack(encode_ack(ack)) == ack


def test_a_command_comes_back() -> None:
    command = Command("c1", "probe", {"name": "ping"}, 1_750_000_000_000)
    assert parse_command(encode_command(command)) == command


def _changed(**changes: Any) -> bytes:
    raw = json.loads(encode_status(BIRTH))
    return json.dumps({**raw, **changes}).encode()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b" " * (MAX_BYTES + 1), "too_large"),
        (_changed(v=2), "unknown_version"),
        (_changed(site="Tekax!"), "invalid_header"),
        (_changed(state="asleep"), "malformed"),
        (_changed(clock="sundial"), "invalid_header"),
        (_changed(connection=-1), "malformed"),
        (_changed(last_seq="9"), "malformed"),
        (_changed(anchor=[1, 2]), "invalid_header"),
        (_changed(sees="all"), "malformed"),
    ],
)
def test_a_status_that_cannot_be_read_says_why(payload: bytes, reason: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_status(payload)
    assert refused.value.reason == reason
    assert len(str(refused.value)) > 10


@given(st.binary(max_size=200))
def test_noise_is_rejected_and_nothing_else(noise: bytes) -> None:
    for parse in (parse_status, parse_ack, parse_command):
        with pytest.raises(Rejected):
            parse(noise)


def test_a_topic_comes_back() -> None:
    topic = Topic("tekax", "agent", Lane.BULK)
    assert parse_topic(str(topic)) == topic


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("aldea/2/tekax/agent/live", "aldea/1"),
        ("aldea/1/tekax/live", "aldea/1"),
        ("aldea/1/Tekax/agent/live", "site"),
        ("aldea/1/tekax/-x/live", "device"),
        ("aldea/1/tekax/agent/gossip", "lane"),
        ("aldea/1/" + "a" * 40 + "/agent/live", "site"),
    ],
)
def test_a_wrong_topic_says_what_is_wrong(text: str, word: str) -> None:
    with pytest.raises(TopicError, match=word):
        parse_topic(text)
