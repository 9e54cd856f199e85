"""What still comes after a download was cut: from the rate until then, and from how long an answer takes behind it."""

from __future__ import annotations

import socket

import pytest

from aldea.agents.probes.throughput import under_way
from aldea.agents.probes.throughput.under_way import Arrivals, Knock, bytes_under_way
from rigs.processes import free_port

LOOPBACK = "127.0.0.1"


def arrivals(*counts: int) -> Arrivals:
    """Return what had come at the end of each quarter of a second, beginning with the start."""
    made = Arrivals()
    for place, count in enumerate(counts):
        made.add(100 + place / 4, count)
    return made


def test_the_rate_is_that_of_the_last_seconds_and_of_a_window_at_least() -> None:
    ten = arrivals(0, *(9_000 + 1_000 * window for window in range(1, 11)))
    assert ten.bytes_per_second(2.0) == pytest.approx(4_000)
    assert ten.bytes_per_second(60.0) == pytest.approx(19_000 / 2.5)
    assert ten.bytes_per_second(0.0) == pytest.approx(4_000)
    assert arrivals(500).bytes_per_second(2.0) == arrivals().bytes_per_second(2.0) == 0


def test_behind_a_queue_comes_what_the_link_carries_until_the_answer_is_through() -> None:
    steady = arrivals(*range(0, 20_000, 1_000))
    for has_begun in (True, False):
        coming = bytes_under_way(steady, 1.5, 0.03, has_begun=has_begun)
        assert 4_000 * 1.5 <= coming <= 4_000 * 1.5 * 1.05


def test_without_a_queue_tcp_has_sent_twice_the_last_round_while_it_finds_the_rate() -> None:
    doubling = arrivals(0, 1_000, 3_000, 7_000, 15_000)
    assert bytes_under_way(doubling, 0.25, 0.25, has_begun=False) == pytest.approx(16_000, rel=0.05)
    assert bytes_under_way(doubling, 0.25, 0.25, has_begun=True) < 16_000


def test_where_what_comes_no_longer_grows_the_link_is_full_though_nobody_can_be_sure_of_it_yet() -> None:
    filled = arrivals(0, 1_000, 3_000, 7_000, 11_000, 15_000)
    assert bytes_under_way(filled, 0.25, 0.25, has_begun=False) == pytest.approx(4_000, rel=0.05)


@pytest.mark.parametrize("moment_seconds", [0.0, 0.001])
def test_a_last_look_right_behind_the_one_before_is_no_window(moment_seconds: float) -> None:
    doubling = arrivals(0, 1_000, 3_000, 7_000)
    doubling.add(100.75 + moment_seconds, 7_000)
    assert doubling.bytes_per_second(0.25) == pytest.approx(16_000, rel=0.3)
    assert bytes_under_way(doubling, 0.25, 0.25, has_begun=False) == pytest.approx(8_000, rel=0.3)


def test_a_knock_is_answered_also_by_a_refusal() -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        answered = Knock(listening.getsockname(), socket.AF_INET).answer_seconds()
    refused = Knock((LOOPBACK, free_port()), socket.AF_INET).answer_seconds()
    for seconds in (answered, refused):
        assert seconds is not None
        assert 0 < seconds <= under_way.WAIT_SECONDS


def test_a_knock_that_nobody_answers_waits_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "WAIT_SECONDS", 0.05)
    # Its queue is full, so the next is not answered.
    with (
        socket.create_server((LOOPBACK, 0), backlog=0) as full,
        socket.create_connection(full.getsockname()),
    ):
        assert Knock(full.getsockname(), socket.AF_INET).answer_seconds() == 0.05


def test_a_knock_that_cannot_be_sent_says_nothing_of_the_link() -> None:
    assert Knock(("255.255.255.255", 9), socket.AF_INET).answer_seconds() is None
