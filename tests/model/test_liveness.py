"""The live state of a site, from when it was last heard."""

from __future__ import annotations

from itertools import pairwise

import pytest

from aldea.model.counters import counter_delta
from aldea.model.failures import Failure, failure_of
from aldea.model.liveness import SiteState, down_after_ms, site_state

NOW = 1_750_000_000_000
MINUTE = 60_000


@pytest.mark.parametrize(
    ("silent_minutes", "send_seconds", "online", "state"),
    [
        (0, 300, True, SiteState.UP),
        (12, 300, True, SiteState.UP),
        (12.5, 300, True, SiteState.SUSPECT),
        (14.9, 300, None, SiteState.SUSPECT),
        (15, 300, True, SiteState.DOWN),
        (1, 300, False, SiteState.SUSPECT),
        (15, 20, True, SiteState.DOWN),
        (2, 20, True, SiteState.SUSPECT),
        (40, 900, True, SiteState.SUSPECT),
        (45, 900, True, SiteState.DOWN),
        (12, None, True, SiteState.UP),
        (-5, 300, True, SiteState.UP),
    ],
)
def test_a_site_is_judged_by_its_silence(
    silent_minutes: float, send_seconds: int | None, online: bool | None, state: SiteState
) -> None:
    assert site_state(NOW, NOW - int(silent_minutes * MINUTE), send_seconds, online=online) is state


def test_a_site_never_heard_is_unknown_not_down() -> None:
    assert site_state(NOW, None, 300, online=None) is SiteState.UNKNOWN


def test_the_dwell_is_three_sends_and_fifteen_minutes_at_least() -> None:
    assert (down_after_ms(60), down_after_ms(300), down_after_ms(900)) == (15 * MINUTE, 15 * MINUTE, 45 * MINUTE)


def test_counters_that_start_again_count_what_they_show() -> None:
    readings = [1000, 5000, 200, 700]
    steps = [counter_delta(before, now) for before, now in pairwise(readings)]
    assert steps == [(4000, False), (200, True), (500, False)]
    assert sum(step for step, _ in steps) == 4700


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ConnectionRefusedError(111, "refused"), Failure.CONNECTION_REFUSED),
        (TimeoutError(), Failure.CONNECT_TIMEOUT),
        (OSError(101, "unreachable"), Failure.NETWORK_UNREACHABLE),
        (OSError(99_999, "odd"), Failure.UNKNOWN),
        (ValueError("no network error"), Failure.UNKNOWN),
    ],
)
def test_an_error_gets_its_word_and_what_is_not_known_is_not_guessed(error: Exception, failure: Failure) -> None:
    assert failure_of(error) is failure
