"""What a test now and diagnostics do on a real outbox, with the real runner."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentkit.making import BOOT, held_rows, make_outbox, ping
from agentkit.waiting import eventually
from aldea.agents.log_ring import LogRing
from aldea.agents.operating.answers import as_json
from aldea.agents.operating.diagnostics import Diagnostics, fitted
from aldea.agents.operating.handler import Outcome, State
from aldea.agents.operating.probe_now import ProbeNow
from aldea.agents.operating.toolbox import Toolbox
from aldea.agents.outbox import Machine, Outbox
from aldea.agents.probe import ProbeContext, ScheduledProbe
from aldea.agents.runner import Runner
from aldea.agents.settings import AgentSettings
from aldea.model.catalogue import LONG_TEXT
from aldea.model.clock import ManualClock
from aldea.model.messages import Command
from aldea.model.sample import Reading


class Scripted:
    """A probe that answers what the test says, once it is let go."""

    def __init__(self, name: str, *readings: Reading) -> None:
        self.name = name
        self.readings = readings
        self.go = asyncio.Event()
        self.go.set()
        self.under_way = 0
        self.most = 0

    async def measure(self) -> Sequence[Reading]:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.go.wait()
        self.under_way -= 1
        return self.readings

    async def aclose(self) -> None:
        return None


class Bench:
    """A runner on an outbox, and what it tells the uplink."""

    def __init__(self, folder: Path, *probes: Scripted) -> None:
        self.clock = ManualClock(mono_ms=120_000)
        self.outbox: Outbox = make_outbox(folder)
        self.urgent: list[bool] = []
        scheduled = [ScheduledProbe(probe, 60.0, 5.0) for probe in probes]
        self.runner = Runner(self.outbox, scheduled, self.clock, self.urgent.append)
        self.settings = AgentSettings(site="village", data=folder)
        self.context = ProbeContext(self.clock, folder)

    async def test(self, **payload: Any) -> Outcome:
        return await ProbeNow(self.settings, self.runner, self.context).carry_out(
            Command("one", "test", payload, 2**50), no_steps
        )


async def no_steps(_state: State, _detail: object) -> None:
    raise AssertionError("it has no steps")


def test_a_test_now_is_recorded_like_any_round_and_sent_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, Scripted("ping", ping(rtt_avg_seconds=0.6), ping(failure="no_reply")))
        outcome = await bench.test(probe="ping")
        assert outcome.state is State.DONE
        assert outcome.detail["readings"] == 2
        assert outcome.detail["failures"] == {"no_reply": 1}
        assert outcome.detail["found"][0]["fields"]["rtt_avg_seconds"] == 0.6
        assert bench.urgent == [True]
        assert [row.measurement for row in held_rows(bench.outbox)] == ["boot", "ping", "ping"]
        bench.outbox.close()

    asyncio.run(story())


def test_an_unknown_probe_is_refused_with_those_there_are(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, Scripted("ping", ping()), Scripted("dns"))
        for payload in ({"probe": "dance"}, {}, {"probe": 5}):
            outcome = await bench.test(**payload)
            assert outcome.state is State.FAILED
            assert outcome.detail["sentence"].endswith("there are: ping, dns")
        bench.outbox.close()

    asyncio.run(story())


def test_throughput_without_a_server_says_which_setting_is_missing(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, Scripted("throughput"))
        outcome = await bench.test(probe="throughput")
        assert "agent.throughput.server" in outcome.detail["sentence"]
        bench.outbox.close()

    asyncio.run(story())


def test_a_round_by_hand_never_overlaps_one_by_the_schedule(tmp_path: Path) -> None:
    async def story() -> None:
        probe = Scripted("ping", ping())
        probe.go.clear()
        bench = Bench(tmp_path, probe)
        running = asyncio.create_task(bench.runner.run())
        await eventually(lambda: probe.most)
        by_hand = [asyncio.create_task(bench.test(probe="ping")) for _ in range(2)]
        await asyncio.sleep(0.05)
        probe.go.set()
        async with asyncio.timeout(60):
            assert [outcome.state for outcome in await asyncio.gather(*by_hand)] == [State.DONE, State.DONE]
        await eventually(lambda: len(bench.urgent) >= 3)  # the round of the schedule may be on its way to the disk
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert probe.most == 1
        assert sum(row.measurement == "ping" for row in held_rows(bench.outbox)) == 3
        bench.outbox.close()

    asyncio.run(story())


def diagnose(bench: Bench, log: LogRing) -> Outcome:
    tools = Toolbox(
        settings=bench.settings,
        machine=Machine("hardware", BOOT, "9.9"),
        outbox=bench.outbox,
        runner=bench.runner,
        context=bench.context,
        log=log,
        is_online=lambda: True,
        is_heard=lambda: True,
        start_anew=lambda: None,
    )
    return asyncio.run(Diagnostics(tools).carry_out(Command("one", "diagnostics", {}, 2**50), no_steps))


def test_diagnostics_tell_what_a_person_far_away_has_to_know(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Scripted("ping", ping(failure="no_reply")))
    asyncio.run(bench.runner.run_now("ping"))
    bench.clock.advance(30_000)
    bench.outbox.reject(bench.outbox.epoch, 2, 2, "out_of_range")
    found = diagnose(bench, LogRing()).detail
    assert found["versions"]["agent"] == "9.9"
    assert found["boot"]["uptime_seconds"] == 150
    assert found["boot"]["online"] is True
    assert found["outbox"]["refused_rows"] == 1
    assert found["dead_letters"] == [{"seq": 2, "measurement": "ping", "reason": "out_of_range"}]
    assert found["probes"][0]["failures"] == {"no_reply": 1}
    assert found["probes"][0]["failed_seconds_ago"] == 30
    assert found["budget"]["planned_bytes"] == 1_000_000_000
    assert {"disk_free_bytes", "memory_used_ratio", "agent_bytes"} <= found["host"].keys()
    bench.outbox.close()


def test_diagnostics_fit_however_much_was_logged_and_carry_no_address_and_no_secret(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Scripted("ping", ping()))
    ring = LogRing()
    logger = logging.getLogger("aldea.agents.diagnosed_in_this_test")
    logger.addHandler(ring)
    logger.setLevel(logging.INFO)
    for number in range(400):
        logger.info('line %d ñ "quoted" 00:11:22:aa:bb:cc a.b@example.org password=hunter2 %s', number, "x" * 200)
    logger.removeHandler(ring)
    found = diagnose(bench, ring).detail
    text = as_json(found)
    assert len(text) <= LONG_TEXT
    assert json.loads(text)["log_left_out"] > 0
    assert "line 399" in found["log"][-1]
    for secret in ("aa:bb:cc", "a.b@example.org", "hunter2"):
        assert secret not in text
    bench.outbox.close()


def test_the_least_useful_is_left_out_first() -> None:
    lines = [f"{number:03d}" + "x" * 97 for number in range(100)]
    whole = {"versions": {"agent": "1"}, "probes": lines, "interfaces": [], "dead_letters": [], "log": lines}
    found = fitted(whole, 12_000)
    assert found["log_left_out"] == len(lines) - len(found["log"])
    assert found["log"][-1] == lines[-1]
    assert found["probes"] == lines
    assert len(as_json(found)) <= 12_000
