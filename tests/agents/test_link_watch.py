"""Was there a link? Asked of a broker that answered before, and of impostors that only accept connections."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aldea.agents.budget import LedgerFile
from aldea.agents.link_watch import LOOKS, LinkWatch, Place, answers, booked_in
from aldea.agents.overlay.keeping import Keeper
from aldea.agents.overlay.running import AgentRun
from aldea.agents.overlay.source import Source
from aldea.agents.overlay.state import Overlay, State, Trial
from aldea.agents.service import AgentService
from aldea.agents.upgrading.launch import Launcher
from aldea.agents.upgrading.state import Trial as Tried
from aldea.model.clock import ManualClock
from rigs.processes import free_port
from rigs.waiting import eventually

if TYPE_CHECKING:
    from rigs.mosquitto import Mosquitto

PATIENCE_MS = 600_000
PLACE = Place("server", 1883)


@pytest.fixture
def server() -> Iterator[Callable[[bool], int]]:
    """Start something that accepts connections and says nothing; `closes`: it ends each when it is spoken to."""
    ends = threading.Event()
    listening: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(closes: bool) -> int:
        bound = socket.create_server(("127.0.0.1", 0))
        listening.append(bound)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = bound.accept()
                    with connection:
                        connection.recv(100)
                        if not closes:
                            ends.wait()

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return int(bound.getsockname()[1])

    yield start
    ends.set()
    for bound in listening:
        with suppress(OSError):
            bound.shutdown(socket.SHUT_RDWR)
        bound.close()
    for thread in threads:
        thread.join()


def test_a_broker_that_answers_is_reached_whoever_asks(mosquitto: Mosquitto) -> None:
    assert answers(Place("127.0.0.1", mosquitto.port))
    assert not answers(Place("127.0.0.1", free_port()))
    assert not answers(Place("no such name", 1883))
    assert not answers(Place("127.0.0.1", 10**9)), "nothing that a damaged file may say ends the watch"


def test_a_modem_that_takes_connections_for_everybody_is_no_broker(
    server: Callable[[bool], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aldea.agents.link_watch.ANSWERS_WITHIN_SECONDS", 0.2)
    for closes in (True, False):
        for tls in (True, False):
            assert not answers(Place("127.0.0.1", server(closes), tls)), (closes, tls)


def test_what_a_look_costs_is_told_whether_it_is_answered_or_not(
    mosquitto: Mosquitto, server: Callable[[bool], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def cost(place: Place) -> int:
        told: list[int] = []
        answers(place, told.append)
        (count,) = told
        return count

    unreachable = cost(Place("127.0.0.1", free_port()))
    assert cost(Place("no such name", 1883)) == unreachable > 0
    answered = cost(Place("127.0.0.1", mosquitto.port))
    monkeypatch.setattr("aldea.agents.link_watch.ANSWERS_WITHIN_SECONDS", 0.2)
    silent = cost(Place("127.0.0.1", server(False)))
    encrypted = cost(Place("127.0.0.1", server(False), tls=True))
    assert unreachable + 200 < silent < answered < encrypted < 6_000


def test_what_the_launchers_looks_cost_is_booked_beside_the_agent(tmp_path: Path, mosquitto: Mosquitto) -> None:
    launcher = Launcher(tmp_path, "base", [], 900.0, ManualClock(0, 0))
    watch = launcher._link_watch(Tried("1.2", "command-1", host="127.0.0.1", port=mosquitto.port))
    assert watch is not None
    watch.look()
    once = LedgerFile(tmp_path).read().charged().telemetry_bytes
    assert once > 0
    watch.look()
    assert LedgerFile(tmp_path).read().charged().telemetry_bytes > once
    # A disk that takes nothing ends no trial.
    booked_in(tmp_path / "budget.json")(1_000)


def test_what_an_agents_own_looks_cost_is_counted_with_what_it_spends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "aldea.toml"
    broker = f'[agent.broker]\nhost = "127.0.0.1"\nport = {free_port()}\n'
    config.write_text(f'[agent]\nsite = "village"\ndata = "{tmp_path}"\n{broker}')
    Keeper(tmp_path).write(State(trial=Trial(Overlay(1, {"sample_seconds": 7.0}), "command-1", PATIENCE_MS)))
    counted: list[int] = []

    async def run(self: AgentService) -> bool:
        await asyncio.to_thread(eventually, lambda: self._meter.waiting() > 0, 60)
        counted.append(self._meter.waiting())
        return False

    monkeypatch.setattr(AgentService, "run", run)
    agent = AgentRun(Source(config, {}))
    asyncio.run(agent.run())
    agent._desk._watch.end()
    assert counted[0] > 0


def looked(seconds: int, there: Callable[[int], bool]) -> bool:
    """Look as the thread does for so long; say whether there was a link."""
    clock = ManualClock(0, 0)
    watch = LinkWatch(PLACE, PATIENCE_MS, clock, lambda _: there(clock.mono_ms() // 1000))
    for _ in range(0, seconds, PATIENCE_MS // LOOKS // 1000):
        watch.look()
        clock.advance(PATIENCE_MS // LOOKS)
    return watch.had_link


def test_half_a_trials_time_without_a_break_is_a_link() -> None:
    assert looked(600, lambda _: True)
    assert looked(600, lambda second: second >= 240)
    assert looked(600, lambda second: second < 330), "what comes later takes nothing back"
    assert not looked(600, lambda _: False)
    assert not looked(600, lambda second: second >= 570 or second < 30), "cut for just the trial's time"
    assert not looked(600, lambda second: second % 240 >= 60), "it flutters"
    assert not looked(270, lambda _: True), "too short to know"


def test_a_poor_link_on_which_a_look_is_lost_now_and_then_is_a_link() -> None:
    clock = ManualClock(0, 0)
    answers_or_not = iter([True, True, False] * 100)
    watch = LinkWatch(PLACE, PATIENCE_MS, clock, lambda _: next(answers_or_not))
    for _ in range(LOOKS):
        watch.look()
        clock.advance(PATIENCE_MS // LOOKS)
    assert watch.had_link


def test_it_looks_by_itself_and_no_longer_than_it_needs() -> None:
    clock = ManualClock(0, 0)
    looks: list[Place] = []

    def there(place: Place) -> bool:
        looks.append(place)
        clock.advance(PATIENCE_MS // 4)
        return True

    watch = LinkWatch(PLACE, PATIENCE_MS, clock, there)
    # The pauses are real time; the clock is not: they are cut short here.
    watch._pause_seconds = 0.0
    watch.start()
    assert watch._thread is not None
    watch._thread.join(30)
    assert (watch.had_link, looks) == (True, [PLACE] * 3)
    watch.stop(1.0)


def test_whoever_stops_it_does_not_wait_for_a_pause() -> None:
    first = threading.Event()

    def there(_: Place) -> bool:
        first.set()
        return True

    watch = LinkWatch(PLACE, 10**9, ManualClock(0, 0), there)
    watch.start()
    assert first.wait(30)
    watch.stop(30)
    assert watch._thread is not None
    assert not watch._thread.is_alive()


def test_a_watch_that_goes_on_after_a_stop_knows_what_it_saw_before() -> None:
    """A release that keeps ending is started again, and its trial goes on: so does what looks at the link."""
    clock = ManualClock(0, 0)
    looked = threading.Event()

    def there(_: Place) -> bool:
        looked.set()
        return True

    watch = LinkWatch(PLACE, PATIENCE_MS, clock, there)
    for part in range(3):
        looked.clear()
        watch.start()
        assert looked.wait(30)
        watch.stop(30)
        assert watch.had_link is (part == 2)
        clock.advance(PATIENCE_MS // 4)
