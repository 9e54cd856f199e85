"""What a provider did not take goes again, later each time, until it is no news any more."""

from __future__ import annotations

from aldea.alert_rules.notify.sending import Outcome, SendFailure
from aldea.model.clock import ManualClock
from alert_rules.notify.office import HOUR, MINUTE, NOW_MS, Office, run, run_for
from alert_rules.notify.provider import AWAY, Provider


def test_retries_wait_longer_each_time_and_are_spread(mailed: Office, clock: ManualClock) -> None:
    mailed.tell()
    dispatcher = mailed.dispatcher(Provider(AWAY))
    waits = []
    for _ in range(8):
        run(dispatcher)
        (item,) = mailed.log()
        assert item.last_error == "unreachable: connection refused"
        waits.append((item.next_attempt_ms - clock.wall_ms()) / 1000)
        clock.advance(item.next_attempt_ms - clock.wall_ms())
    for wait, base in zip(waits, [20, 40, 80, 160, 320, 640, 900, 900], strict=True):
        assert 0.75 * base <= wait <= 1.25 * base
    assert waits[-1] != waits[-2]


def test_a_provider_that_says_when_is_believed(mailed: Office, clock: ManualClock) -> None:
    mailed.tell()
    run(mailed.dispatcher(Provider(Outcome(SendFailure.RATE_LIMITED, "slow down", 1234.0))))
    assert mailed.log()[0].next_attempt_ms == clock.wall_ms() + 1_234_000


def test_what_is_no_news_any_more_expires_and_stays_in_the_log(mailed: Office, clock: ManualClock) -> None:
    mailed.tell()
    dispatcher = mailed.dispatcher(Provider(AWAY))
    run_for(dispatcher, clock, 13 * HOUR, 30 * MINUTE)
    (item,) = mailed.log()
    assert (item.state, item.last_error) == ("expired", "unreachable: connection refused")
    assert item.decided_ms is not None
    assert item.decided_ms >= NOW_MS + 12 * HOUR


def test_what_cannot_ever_work_is_not_tried_again(mailed: Office, clock: ManualClock) -> None:
    provider = Provider(Outcome(SendFailure.REFUSED_ADDRESS, "550 no such user"))
    mailed.tell()
    dispatcher = mailed.dispatcher(provider)
    run_for(dispatcher, clock, 2 * HOUR, 10 * MINUTE)
    assert len(provider.parcels) == 1
    assert (mailed.log()[0].state, mailed.log()[0].last_error) == ("failed", "refused_address: 550 no such user")
