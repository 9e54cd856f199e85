"""The heartbeat goes out while everything advances, and stops as soon as one part does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aldea.alert_rules.notify.heartbeat import Heartbeat
from aldea.model.clock import ManualClock
from aldea.storage.register import Register
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status
from aldea.storage.register.feed import FeedEvent, append_feed
from aldea.storage.register.liveness_marks import ENGINE, NOTIFIER, mark_alive
from alert_rules.notify.office import MINUTE
from alert_rules.notify.servers import Answer, Web

EVERY = 300


class Platform:
    """Collector, engine and notifier, as the register sees them."""

    def __init__(self, register: Register, clock: ManualClock) -> None:
        self.register, self.clock = register, clock
        self.positions = 0
        self.dead: set[str] = set()
        self.stuck = False
        self.commits = True

    def live(self) -> None:
        """Let a heartbeat's interval pass."""
        self.clock.advance(EVERY * 1000)
        now = self.clock.wall_ms()
        with self.register.transaction() as unit:
            if "collector" not in self.dead:
                self.positions += 1
                append_feed(unit, [FeedEvent("c1", self.positions, "batch", "s", "d", now, "live")])
                upsert_collector_status(
                    unit, CollectorStatus("c1", now, True, now if self.commits else now - 16 * MINUTE, self.positions)
                )
            for name in {ENGINE, NOTIFIER} - self.dead:
                mark_alive(unit, name, now, 1 if self.stuck and name == ENGINE else self.positions)


@pytest.fixture
def platform(register: Register, clock: ManualClock) -> Platform:
    made = Platform(register, clock)
    made.live()
    return made


@pytest.fixture
def heartbeat(register: Register, clock: ManualClock, web: Web) -> Iterator[Heartbeat]:
    made = Heartbeat(register, clock, f"{web.url}/ping/secret", EVERY)
    yield made
    made.close()


def test_it_pings_once_an_interval_while_all_is_well(platform: Platform, heartbeat: Heartbeat, web: Web) -> None:
    for _ in range(3):
        assert heartbeat.step()
        assert not heartbeat.step()
        platform.live()
    assert [one.path for one in web.requests] == ["/ping/secret"] * 3
    assert (heartbeat.sent, heartbeat.failed, heartbeat.withheld) == (3, 0, 0)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("collector", "no collector has reported"),
        (ENGINE, "the engine has left no sign of life"),
        (NOTIFIER, "the notifier has left no sign of life"),
    ],
)
def test_it_stops_when_a_part_is_dead_and_comes_back_with_it(
    platform: Platform, heartbeat: Heartbeat, web: Web, part: str, words: str
) -> None:
    assert heartbeat.step()
    platform.dead.add(part)
    platform.live()
    assert not heartbeat.step()
    assert words in heartbeat.why_not
    assert len(web.requests) == 1
    platform.dead.clear()
    platform.live()
    assert heartbeat.step()
    assert heartbeat.why_not == ""


def test_it_stops_when_nothing_is_committed(platform: Platform, heartbeat: Heartbeat) -> None:
    platform.commits = False
    platform.live()
    assert not heartbeat.step()
    assert "committed nothing" in heartbeat.why_not


def test_it_stops_when_the_engine_runs_but_judges_nothing(platform: Platform, heartbeat: Heartbeat) -> None:
    platform.stuck = True
    for _ in range(3):
        platform.live()
        heartbeat.step()
    assert "the engine runs, but gets on with nothing" in heartbeat.why_not
    platform.stuck = False
    platform.live()
    assert heartbeat.step()


def test_an_engine_with_nothing_to_judge_is_not_stuck(platform: Platform, heartbeat: Heartbeat) -> None:
    for _ in range(4):
        platform.clock.advance(EVERY * 1000)
        now = platform.clock.wall_ms()
        with platform.register.transaction() as unit:
            upsert_collector_status(unit, CollectorStatus("c1", now, True, now, 1))
            mark_alive(unit, ENGINE, now, 1)
            mark_alive(unit, NOTIFIER, now, 1)
        assert heartbeat.step(), heartbeat.why_not


def test_a_ping_that_is_not_taken_is_counted_and_its_address_is_not_logged(
    platform: Platform, heartbeat: Heartbeat, web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    web.answers = [Answer(500)]
    assert not heartbeat.step()
    platform.live()
    assert heartbeat.step()
    assert (heartbeat.sent, heartbeat.failed) == (1, 1)
    assert "HTTP 500" in caplog.text
    assert "secret" not in caplog.text


def test_a_watchdog_that_cannot_be_reached_is_counted(register: Register, clock: ManualClock) -> None:
    Platform(register, clock).live()
    heartbeat = Heartbeat(register, clock, "http://127.0.0.1:1/", EVERY)
    assert not heartbeat.step()
    assert heartbeat.failed == 1
    heartbeat.close()
