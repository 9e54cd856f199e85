"""Uptimes that begin again after 497 days, and counters that wrap, are reset, or are not there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.agents.probes.snmp_interface import Counters, passed
from aldea.agents.probes.snmp_uptime import HOST_UPTIME, SYS_UPTIME, TURN, UptimeWatch
from aldea.model.counters import wrapping_delta

DAY = 8_640_000


def test_the_first_round_says_nothing_of_a_restart() -> None:
    running = UptimeWatch().seen(SYS_UPTIME, 12_345, 0)
    assert (running.uptime_seconds, running.restarted) == (123, None)


@pytest.mark.parametrize(
    ("before", "now", "minutes", "restarted"),
    [
        (10_000, 16_000, 1, False),
        (10_000, 13_500, 1, False),  # a clock that is half a minute behind
        (900_000, 2_000, 1, True),
        (10_000, 180_000, 60, True),  # began half an hour ago, though it runs longer than it did then
        (10_000, 370_000, 60, False),
        (TURN - 3_000, 3_000, 1, False),  # 497 days are over
        (TURN - 30 * DAY, 3_000, 1, True),
    ],
)
def test_a_restart_is_told_from_a_counter_that_begins_again(
    before: int, now: int, minutes: int, restarted: bool
) -> None:
    watch = UptimeWatch()
    watch.seen(SYS_UPTIME, before, 5_000)
    assert watch.seen(SYS_UPTIME, now, 5_000 + minutes * 60_000).restarted is restarted


def test_uptime_goes_on_beyond_497_days_and_another_object_is_no_restart() -> None:
    watch = UptimeWatch()
    watch.seen(SYS_UPTIME, TURN - 3_000, 0)
    second = watch.seen(SYS_UPTIME, 3_000, 60_000)
    third = watch.seen(SYS_UPTIME, 9_000, 120_000)
    assert [second.uptime_seconds, third.uptime_seconds] == [(TURN + 3_000) // 100, (TURN + 9_000) // 100]
    assert watch.seen(HOST_UPTIME, 50_000, 180_000).restarted is None


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_32_bit_counter_says_what_passed_however_often_it_is_at_its_end(before: int, traffic: int) -> None:
    assert wrapping_delta(before, (before + traffic) % 2**32, traffic) == (traffic, False)


def test_more_than_the_link_carries_is_a_reset() -> None:
    assert wrapping_delta(1_000_000, 500, 10_000_000) == (500, True)


def _counters(rx: int, seconds: int, *, bits: int = 32, begun: int | None = None, rate: int | None = None) -> Counters:
    return Counters(2, bits, rx, 0, seconds * 1000, begun, rate)


@pytest.mark.parametrize(
    ("before", "now", "restarted", "passed_bytes", "reset"),
    [
        (_counters(2**32 - 100, 0), _counters(900, 60), False, 1_000, False),
        (_counters(2**32 - 100, 0), _counters(900, 60), True, 900, True),
        (_counters(2**32 - 100, 0), _counters(900, 60), None, 900, True),  # nobody knows: never too much
        (_counters(2**31, 0, rate=1_000_000), _counters(900, 60, rate=1_000_000), False, 900, True),
        (_counters(5_000, 0, bits=64), _counters(900, 60, bits=64), False, 900, True),
        (_counters(5_000, 0, bits=64, begun=7), _counters(9_000, 60, bits=64, begun=8), False, 9_000, True),
        (_counters(5_000, 0, bits=64), _counters(9_000, 60, bits=64), True, 9_000, True),
        (_counters(5_000, 0, bits=64, begun=7), _counters(9_000, 60, bits=64, begun=7), False, 4_000, False),
    ],
)
def test_what_passed(before: Counters, now: Counters, restarted: bool | None, passed_bytes: int, reset: bool) -> None:
    fields = passed(before, now, restarted=restarted)
    assert (fields["rx_bytes"], fields["counter_reset"]) == (passed_bytes, reset)


def test_counters_of_another_kind_or_interface_are_not_compared() -> None:
    assert "rx_bytes" not in passed(_counters(5, 0), _counters(9, 60, bits=64), restarted=False)
    assert "rx_bytes" not in passed(None, _counters(9, 60), restarted=False)
