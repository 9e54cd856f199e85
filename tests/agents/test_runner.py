"""The runner: rhythm, one commit a cycle, slow and faulty probes, and which news is urgent."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from agentkit.making import held_rows, make_outbox, ping
from agentkit.waiting import eventually
from aldea.agents.changes import ChangeWatch
from aldea.agents.probe import ScheduledProbe
from aldea.agents.runner import Runner
from aldea.agents.schedule import Schedule
from aldea.model.clock import ManualClock
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from aldea.agents.outbox import Outbox
    from aldea.model.sample import Row


class Scripted:
    """A probe that returns what the test says, once it is let go."""

    def __init__(self, name: str, *readings: Reading) -> None:
        self.name = name
        self.readings: Sequence[Reading] = readings
        self.go = asyncio.Event()
        self.go.set()
        self.begun = asyncio.Event()
        self.asked = 0
        self.closed = False

    async def measure(self) -> Sequence[Reading]:
        self.asked += 1
        self.begun.set()
        await self.go.wait()
        if not self.readings:
            raise RuntimeError("a fault in the probe")
        return self.readings

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = make_outbox(tmp_path)
    yield made
    made.close()


def make_runner(outbox: Outbox, clock: ManualClock, *probes: tuple[Scripted, float]) -> tuple[Runner, list[bool]]:
    told: list[bool] = []
    scheduled = [ScheduledProbe(probe, every, 5.0) for probe, every in probes]
    return Runner(outbox, scheduled, clock, told.append), told


def measurements(outbox: Outbox) -> list[tuple[str, int]]:
    return [(row.measurement, row.mono_ms) for row in held_rows(outbox)][1:]


def test_the_first_cycle_comes_at_once_has_everything_and_is_urgent(outbox: Outbox) -> None:
    async def story() -> None:
        clock = ManualClock(mono_ms=12_345)
        first = Scripted("ping", ping(), ping())
        second = Scripted("dns", Reading("dns", {"answers": 1}))
        runner, told = make_runner(outbox, clock, (first, 60), (second, 600))
        assert await runner.cycle() == (2, 5)
        assert told == [True]
        assert measurements(outbox) == [("ping", 12_345)] * 2 + [("dns", 12_345), ("agent", 12_345)]

    asyncio.run(story())


def test_each_probe_has_its_own_period_and_a_cycle_is_one_commit(outbox: Outbox) -> None:
    async def story() -> None:
        clock = ManualClock(mono_ms=30_000)
        often, seldom = Scripted("ping", ping()), Scripted("dns", Reading("dns", {"answers": 1}))
        runner, told = make_runner(outbox, clock, (often, 60), (seldom, 600))
        await runner.cycle()
        for minute in range(1, 21):
            clock.advance(60_000 if minute > 1 else 30_000)
            await runner.cycle()
        assert (often.asked, seldom.asked) == (21, 3)
        assert told == [True] + [False] * 20

    asyncio.run(story())


def test_a_slow_probe_holds_up_nobody_and_its_readings_come_in_a_later_cycle(outbox: Outbox) -> None:
    async def story() -> None:
        clock = ManualClock(mono_ms=60_000)
        quick, slow = Scripted("ping", ping()), Scripted("dns", Reading("dns", {"answers": 1}))
        slow.go.clear()
        runner, _ = make_runner(outbox, clock, (quick, 0.05), (slow, 0.05))
        await runner.cycle()
        clock.advance(50)
        await runner.cycle()
        slow.go.set()
        clock.advance(50)
        await runner.cycle()
        assert slow.asked == 1
        clock.advance(50)
        await runner.cycle()
        assert slow.asked == 2
        rows = [item for item in measurements(outbox) if item[0] != "agent"]
        assert rows.count(("dns", 60_100)) == 1
        assert [when for name, when in rows if name == "ping"] == [60_000, 60_050, 60_100, 60_150]

    asyncio.run(story())


def test_a_probe_that_crashes_is_a_reading_and_the_others_are_stored(outbox: Outbox) -> None:
    async def story() -> None:
        runner, _ = make_runner(outbox, ManualClock(), (Scripted("http"), 60), (Scripted("ping", ping()), 60))
        await runner.cycle()
        rows = {row.measurement: row.fields for row in held_rows(outbox)}
        assert rows["http"]["failure"] == "probe_crashed"
        assert "ping" in rows

    asyncio.run(story())


def test_the_agents_own_footprint_is_recorded_each_hour(outbox: Outbox) -> None:
    async def story() -> None:
        clock = ManualClock(mono_ms=0)
        runner, _ = make_runner(outbox, clock, (Scripted("ping", ping()), 600))
        for _ in range(13):
            await runner.cycle()
            clock.advance(600_000)
        rows = [row for row in held_rows(outbox) if row.measurement == "agent"]
        assert [row.mono_ms for row in rows] == [0, 3_600_000, 7_200_000]
        assert isinstance(rows[0].fields["rss_bytes"], int)
        assert rows[0].fields["rss_bytes"] > 1_000_000
        assert rows[1].fields["outbox_rows"] == 8

    asyncio.run(story())


def test_a_runner_that_is_stopped_closes_its_probes_and_keeps_what_was_measured(outbox: Outbox) -> None:
    async def story() -> None:
        probe, stuck = Scripted("ping", ping()), Scripted("dns", Reading("dns", {"answers": 1}))
        stuck.go.clear()
        runner, told = make_runner(outbox, ManualClock(), (probe, 0.2), (stuck, 0.2))
        task = asyncio.create_task(runner.run())
        await eventually(lambda: told)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert probe.closed
        assert stuck.closed
        assert ("ping", 100_000) in measurements(outbox)

    asyncio.run(story())


@pytest.mark.parametrize("held_up", ["stats", "append"])
def test_what_was_measured_is_stored_once_though_the_stop_comes_while_the_disk_is_slow(
    outbox: Outbox, held_up: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    quick = getattr(outbox, held_up)

    def slow(*words: object) -> object:
        reached.set()
        assert go_on.wait(60)
        return quick(*words)

    async def story() -> None:
        runner, _ = make_runner(outbox, ManualClock(), (Scripted("ping", ping()), 60))
        monkeypatch.setattr(outbox, held_up, slow)
        task = asyncio.create_task(runner.run())
        await asyncio.to_thread(reached.wait, 60)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [name for name, _ in measurements(outbox)].count("ping") == 1

    asyncio.run(story())


def test_a_round_whose_asker_goes_while_the_disk_is_slow_is_told_of_with_the_next(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    quick = outbox.append

    def slow(readings: Sequence[Reading], mono_ms: int) -> object:
        reached.set()
        assert go_on.wait(60)
        return quick(readings, mono_ms)

    async def story() -> None:
        clock = ManualClock()
        runner, told = make_runner(outbox, clock, (Scripted("ping", ping()), 60), (Scripted("dns", ping()), 600))
        await runner.cycle()
        clock.advance(60_000)
        told.clear()
        with monkeypatch.context() as patch:
            patch.setattr(outbox, "append", slow)
            by_hand = asyncio.create_task(runner.run_now("dns"))
            await asyncio.to_thread(reached.wait, 60)
            by_hand.cancel()
            with pytest.raises(asyncio.CancelledError):
                await by_hand
            go_on.set()
            await runner.cycle()
        assert told == [True, False]

    asyncio.run(story())


def test_it_says_whether_what_was_measured_last_could_be_stored(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        clock = ManualClock()
        runner, _ = make_runner(outbox, clock, (Scripted("ping", ping()), 60))
        said = []
        for refuses in (False, True, True, False):
            with monkeypatch.context() as patch:
                if refuses:
                    patch.setattr(outbox, "append", lambda *_: None)
                await runner.cycle()
            said.append(runner.stores)
            clock.advance(60_000)
        assert said == [True, False, False, True]

    asyncio.run(story())


class Dutiful(Scripted):
    """A probe that has something to say also when it is given up."""

    async def measure(self) -> Sequence[Reading]:
        try:
            return await super().measure()
        except asyncio.CancelledError:
            return self.readings


def test_what_a_round_says_when_it_is_given_up_is_stored_whoever_asked_for_it(outbox: Outbox) -> None:
    async def story() -> None:
        due, asked = Dutiful("dns", Reading("dns", {"answers": 1})), Dutiful("http", Reading("http", {"body_bytes": 1}))
        for probe in (due, asked):
            probe.go.clear()
        runner, _ = make_runner(outbox, ManualClock(), (due, 60), (asked, 60))
        running = asyncio.create_task(runner.run())
        by_hand = asyncio.create_task(runner.run_now("http"))
        await eventually(lambda: due.asked and asked.asked)
        for task in (by_hand, running):
            task.cancel()
        ends = await asyncio.gather(by_hand, running, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        assert sorted(name for name, _ in measurements(outbox) if name != "agent") == ["dns", "http"]

    asyncio.run(story())


def test_a_round_by_hand_outlives_whoever_asked_also_when_the_asker_is_cut_off_twice(outbox: Outbox) -> None:
    """As when somebody has left the page and the agent then stops: the round still has to say what it has spent."""

    class Slow(Scripted):
        async def measure(self) -> Sequence[Reading]:
            try:
                return await super().measure()
            except asyncio.CancelledError:
                return await super().measure()

    async def story() -> None:
        asked = Slow("throughput", Reading("throughput", {"spent_bytes": 1}))
        asked.go.clear()
        runner, _ = make_runner(outbox, ManualClock(), (asked, 600))
        by_hand = asyncio.create_task(runner.run_now("throughput"))
        for count in (1, 2):
            await eventually(lambda count=count: asked.asked == count)  # type: ignore[misc]  # one for each
            by_hand.cancel()
        with pytest.raises(asyncio.CancelledError):
            await by_hand
        (round_of_it,) = [task for task in asyncio.all_tasks() if task.get_name() == "throughput by hand"]
        asked.go.set()
        assert [reading.fields for reading in await round_of_it] == [{"spent_bytes": 1}]

    asyncio.run(story())


def test_a_round_that_was_slept_through_is_not_made_up_for() -> None:
    schedule = Schedule({"ping": 60_000}, 0.0)
    assert schedule.due(10_000) == ["ping"]
    assert schedule.next_due_ms() == 60_000
    assert schedule.due(3_600_001) == ["ping"]
    assert schedule.due(3_600_002) == []
    assert schedule.next_due_ms() == 3_660_000


def test_agents_that_were_switched_on_together_do_not_ask_together() -> None:
    nexts = set()
    for number in range(10):
        schedule = Schedule({"ping": 60_000, "dns": 600_000}, number / 10)
        schedule.due(1_000)
        nexts.add(schedule.next_due_ms())
    assert len(nexts) == 10
    assert max(nexts) - min(nexts) < 6_000 + 60_000


def reach(role: str, *, works: bool) -> Reading:
    return Reading("ping", {"failure": None if works else "no_reply"}, {"target": "a", "role": role})


@pytest.mark.parametrize(
    ("before", "after", "news"),
    [
        (reach("anchor", works=True), reach("anchor", works=False), True),
        (reach("gateway", works=False), reach("gateway", works=True), True),
        (reach("extra", works=True), reach("extra", works=False), False),
        (reach("anchor", works=True), reach("anchor", works=True), False),
        (Reading("interfaces", {"up": True}), Reading("interfaces", {"up": False}), True),
        (Reading("interfaces", {"up": True}), Reading("interfaces", {"up": None}), False),
        (Reading("dns", {"failure": "dns_timeout"}), Reading("dns", {"failure": "dns_nxdomain"}), False),
        (Reading("http", {"failure": None}), Reading("http", {"failure": "captive_portal"}), True),
        (Reading("host", {"load1": 1.0}), Reading("host", {"load1": 9.0}), False),
    ],
)
def test_only_a_change_of_state_is_urgent(before: Reading, after: Reading, news: bool) -> None:
    watch = ChangeWatch()
    assert not watch.observe([before])
    assert watch.observe([after]) is news


def test_what_is_seen_first_is_no_change() -> None:
    assert not ChangeWatch().observe([reach("anchor", works=False), Reading("interfaces", {"up": False})])


def told_asleep(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    names = ("from_mono_ms", "to_mono_ms", "count", "reason", "boot_id")
    return [tuple(row.fields[name] for name in names) for row in rows if row.measurement == "not_recorded"]


def test_a_machine_that_was_asleep_between_two_rounds_says_when(outbox: Outbox) -> None:
    async def story() -> None:
        clock = ManualClock(mono_ms=60_000)
        runner, _ = make_runner(outbox, clock, (Scripted("ping", ping()), 60))
        await runner.cycle()
        clock.advance(20_000)
        clock.sleep(8 * 3_600_000)
        await runner.cycle()
        clock.advance(60_000)
        await runner.cycle()

    asyncio.run(story())
    rows = held_rows(outbox)
    assert told_asleep(rows) == [(80_000, 28_880_000, 0, "asleep", outbox.boot.boot_id)]
    assert [row.mono_ms for row in rows if row.measurement == "ping"] == [60_000, 28_880_000, 28_940_000]


def test_what_was_asked_before_a_sleep_and_answered_after_it_is_no_measurement(outbox: Outbox) -> None:
    async def story() -> None:
        clock = ManualClock(mono_ms=60_000)
        asked = Scripted("ping", ping())
        asked.go.clear()
        runner, _ = make_runner(outbox, clock, (asked, 60))
        under_way = asyncio.create_task(runner.cycle())
        await asked.begun.wait()
        clock.sleep(3_600_000)
        asked.go.set()
        await under_way
        assert [row.measurement for row in held_rows(outbox)] == ["boot", "not_recorded", "agent"]
        clock.advance(60_000)
        await runner.cycle()

    asyncio.run(story())
    assert [row.mono_ms for row in held_rows(outbox) if row.measurement == "ping"] == [3_720_000]


def test_a_round_by_hand_in_which_the_machine_slept_is_interrupted_and_no_measurement(outbox: Outbox) -> None:
    async def story() -> None:
        clock = ManualClock(mono_ms=60_000)
        asked = Scripted("dns", Reading("dns", {"answers": 1}))
        runner, _ = make_runner(outbox, clock, (asked, 600))
        clock.sleep(3_600_000)
        assert (await runner.run_now("dns"))[0].fields == {"answers": 1}, "that sleep was before it"
        asked.go.clear()
        asked.begun.clear()
        by_hand = asyncio.create_task(runner.run_now("dns"))
        await asked.begun.wait()
        clock.sleep(3_600_000)
        asked.go.set()
        assert [reading.fields for reading in await by_hand] == [{"failure": "interrupted"}]
        assert (await runner.run_now("dns"))[0].fields == {"answers": 1}

    asyncio.run(story())
    rows = held_rows(outbox)
    assert [row.mono_ms for row in rows if row.measurement == "dns"] == [3_660_000, 7_260_000]
    assert len(told_asleep(rows)) == 2


def test_a_nap_of_seconds_and_a_jump_of_the_wall_clock_are_no_sleep(outbox: Outbox) -> None:
    async def story() -> None:
        clock = ManualClock(mono_ms=60_000)
        runner, _ = make_runner(outbox, clock, (Scripted("ping", ping()), 60))
        for _ in range(5):
            await runner.cycle()
            clock.advance(60_000)
            clock.sleep(3_000)
            clock.step_wall(86_400_000)

    asyncio.run(story())
    assert told_asleep(held_rows(outbox)) == []
