"""What the agent costs the box it runs on: memory, processor time, and how soon it measures."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.report import Figure
from bench.village import EVERY_FIVE_MINUTES, Schedule, Village, cpu_seconds, resident_bytes, wait_until
from rigs.mosquitto import Mosquitto
from rigs.snmpd import Snmpd

MEGABYTE = 1e6
MEMORY_BUDGET, MEMORY_BUDGET_SNMP, PROCESSOR_BUDGET = 40.0, 64.0, 1.0


def section(*, quick: bool) -> list[Figure]:
    """Run the real agent on a faster schedule, then idle, then with SNMP."""
    with tempfile.TemporaryDirectory(prefix="aldea-bench-") as folder, Village(Path(folder)) as village:
        figures = _busy_and_idle(village, 10 if quick else 25, 5 if quick else 10)
    with tempfile.TemporaryDirectory(prefix="aldea-bench-") as folder:
        figures.append(_with_snmp(Path(folder), 5 if quick else 8))
    return figures


def _busy_and_idle(village: Village, seconds: int, idle_seconds: int) -> list[Figure]:
    schedule = EVERY_FIVE_MINUTES
    known = village.collector.status().counters.get("rows_stored", 0)
    with village.agent(schedule) as agent:
        wait_until(lambda: village.collector.status().counters.get("rows_stored", 0) > known, "the agent has not sent")
        first_delivered = time.perf_counter() - agent.started
        time.sleep(1)
        before, started = agent.cpu_seconds, time.perf_counter()
        time.sleep(seconds)
        busy = (agent.cpu_seconds - before) / (time.perf_counter() - started)
        memory = agent.resident_bytes / MEGABYTE
    with village.agent(Schedule("idle", 3600, 3600, 1)) as agent:
        time.sleep(3)
        before = agent.cpu_seconds
        time.sleep(idle_seconds)
        idle = (agent.cpu_seconds - before) / idle_seconds
    cycle = max(0.0, busy - idle) * schedule.sample / schedule.factor
    share = 100 * (idle + cycle / schedule.sample)
    return [
        Figure(
            "resident memory, default probes, TLS",
            memory,
            "MB",
            MEMORY_BUDGET,
            note=f"after {seconds} cycles and {seconds // 5} sendings",
        ),
        Figure(
            "processor, share of one core",
            share,
            "%",
            PROCESSOR_BUDGET,
            note=f"{1000 * cycle:.1f} ms a cycle with its share of a sending, each {schedule.sample} s, and"
            f" {100 * idle:.3f} % while idle; over {seconds} cycles on a schedule {schedule.factor} times as fast",
        ),
        Figure(
            "from start to the first readings in the journal",
            first_delivered,
            "s",
            note="the interpreter's start, three probes at once, TLS, birth, hello and the first batch",
        ),
    ]


def _with_snmp(folder: Path, seconds: int) -> Figure:
    """Return the memory of an agent that asks an SNMP router too; everything on loopback."""
    with Mosquitto(folder / "broker") as broker, Snmpd(folder / "snmpd") as router:
        config = folder / "aldea.toml"
        config.write_text(_snmp_settings(folder / "data", broker.port, router.port), encoding="utf-8")
        command = [sys.executable, "-m", "aldea.agents", "--config", str(config)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            time.sleep(seconds)
            memory, used = resident_bytes(process.pid) / MEGABYTE, cpu_seconds(process.pid)
        finally:
            process.terminate()
            process.wait(15)
    note = f"snmpd of this machine as router (v2c), {seconds} cycles; {used:.2f} s of processor with the start"
    return Figure("resident memory, with SNMP", memory, "MB", MEMORY_BUDGET_SNMP, note=note)


def _snmp_settings(data: Path, broker_port: int, router_port: int) -> str:
    return f"""\
[agent]
site = "village"
data = "{data}"
sample_seconds = 1
send_seconds = 5
[agent.broker]
port = {broker_port}
[agent.ping]
gateway = false
anchors = ["127.0.0.1"]
[agent.dns]
enabled = false
[agent.http]
enabled = false
[agent.host]
every_seconds = 5
[[agent.snmp.targets]]
host = "127.0.0.1"
port = {router_port}
community = "public"
interface = "lo"
"""
