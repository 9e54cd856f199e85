"""The fleet as a command: it tells its progress, ends in order, and keeps its plan."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aldea.model.clock import ManualClock, SystemClock
from aldea.simulator.plan import DAY_MS, plan_ending_at
from aldea.simulator.state import StateError, keep_plan
from rigs.mosquitto import Mosquitto
from rigs.waiting import eventually
from simulator.mini_collector import MiniCollector
from simulator.running import NOW_MS, SEED, fleet_of, sites_with

pytestmark = pytest.mark.mosquitto


def test_the_command_tells_its_progress_and_ends_with_its_parent(mosquitto: Mosquitto, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aldea.simulator", "fleet", "--mqtt-port", str(mosquitto.port)]
    command += ["--data", str(tmp_path), "--days", "0.5", "--progress-json", "--until-stdin-closes"]
    with MiniCollector(mosquitto.host, mosquitto.port, SystemClock()) as collector:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline())]
        while lines[-1] != {"phase": "live"}:
            lines.append(json.loads(process.stdout.readline()))
        assert lines[-2]["done"] == lines[-2]["total"] > 76 * 100
        assert len(collector.known) >= 76 - 5
        process.stdin.close()
        assert process.wait(60) == 0
        assert process.stdout.read() == ""
        process.stdout.close()
        born = {birth.site for birth in collector.births}
        assert 76 - 10 <= len(born) < 76, "some villages are away from the start"
        eventually(lambda: {will.site for will in collector.wills} == born)


def test_a_signal_ends_the_command_in_order_and_a_second_start_keeps_the_plan(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "aldea.simulator", "fleet", "--mqtt-port", str(mosquitto.port)]
    command += ["--data", str(tmp_path), "--days", "0.1"]
    kept: list[str] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("history:")
        process.send_signal(number)
        assert process.wait(60) == 0
        process.stdout.close()
        kept.append((tmp_path / "simulated-fleet.json").read_text(encoding="utf-8"))
    assert kept[0] == kept[1]


def test_without_a_broker_the_fleet_waits_for_one_and_still_ends_in_order(tmp_path: Path) -> None:
    clock = ManualClock(NOW_MS)
    plan = plan_ending_at(NOW_MS, SEED, 1)
    absent = Mosquitto(tmp_path)
    with fleet_of(absent, sites_with("idle"), plan, clock) as running:
        eventually(lambda: len(running.progress) > 1)
        assert not running.caught_up()


def test_a_kept_plan_is_not_mixed_with_another_seed_or_a_foreign_file(tmp_path: Path) -> None:
    plan = keep_plan(tmp_path, NOW_MS, 5, 2)
    assert keep_plan(tmp_path, NOW_MS + DAY_MS, None, 40) == plan
    with pytest.raises(StateError, match="seed 5, not 6"):
        keep_plan(tmp_path, NOW_MS, 6, 2)
    (tmp_path / "simulated-fleet.json").write_text("{}", encoding="utf-8")
    with pytest.raises(StateError, match="delete it"):
        keep_plan(tmp_path, NOW_MS, None, 2)
