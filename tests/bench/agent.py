"""What the agent costs the box it runs on: memory, processor time, and how soon it measures."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path
from urllib.error import HTTPError

from aldea.model.wire import decode
from bench.publisher import KEEPALIVE_SECONDS, Publisher
from bench.report import CannotMeasure, Figure
from bench.village import EVERY_FIVE_MINUTES, Schedule, Village, cpu_seconds, resident_bytes, wait_until
from rigs.mosquitto import Mosquitto
from rigs.processes import free_port
from rigs.snmpd import Snmpd

MEGABYTE = 1e6
MONTH_SECONDS = 30 * 86_400
MEMORY_BUDGET, MEMORY_BUDGET_SNMP, PROCESSOR_BUDGET, TRAFFIC_BUDGET = 40.0, 64.0, 1.0, 25.0
_SAID_FIRST = 3
"""Rows that tell of the start itself, at most; a cycle of the probes brings more."""


def section(*, quick: bool) -> list[Figure]:
    """Run the real agent on a faster schedule, then idle, then with SNMP."""
    with tempfile.TemporaryDirectory(prefix="aldea-bench-") as folder, Village(Path(folder)) as village:
        figures = _busy_and_idle(village, 10 if quick else 30, 5 if quick else 10)
        figures += _beside(village, 8 if quick else 20)
    with tempfile.TemporaryDirectory(prefix="aldea-bench-") as folder:
        figures.append(_with_snmp(Path(folder), 5 if quick else 8))
    with tempfile.TemporaryDirectory(prefix="aldea-bench-") as folder:
        figures.append(_with_snmp(Path(folder), 5 if quick else 8, page_port=free_port()))
    return figures


def _busy_and_idle(village: Village, seconds: int, idle_seconds: int) -> list[Figure]:
    schedule = EVERY_FIVE_MINUTES
    known = village.collector.status().counters.get("rows_stored", 0)
    with village.agent(schedule) as agent:
        wait_until(lambda: agent.recorded() > _SAID_FIRST, "the agent has not measured")
        first_measured = time.perf_counter() - agent.started
        wait_until(
            lambda: village.collector.status().counters.get("rows_stored", 0) > known + _SAID_FIRST,
            "the agent has not sent",
        )
        first_delivered = time.perf_counter() - agent.started
        time.sleep(1)
        before, probed, started = agent.cpu_seconds, village.probed(), time.perf_counter()
        time.sleep(seconds)
        spent = village.probed().since(probed)
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
            "the probes' own traffic, a month",
            spent.total_bytes / (seconds * schedule.factor) * MONTH_SECONDS / MEGABYTE,
            "MB",
            TRAFFIC_BUDGET,
            note=f"{spent.tx_packets + spent.rx_packets} packets in {seconds} cycles: the gateway and the first anchor"
            " each minute, names and the page each 600 s, as by default; throughput tests have a budget of their own",
        ),
        Figure(
            "from start to the first measured row in the outbox",
            first_measured,
            "s",
            note="the interpreter's start, and the probes",
        ),
        Figure(
            "from start to the first readings in the journal",
            first_delivered,
            "s",
            note="the interpreter's start, three probes at once, TLS, birth, hello and the first batch",
        ),
    ]


def _beside(village: Village, seconds: int) -> list[Figure]:
    """Return what a publisher of single readings needs that sends what the agent has sent, and measures nothing."""
    rows = [row for payload in _payloads(village) for row in decode(payload)[1]]
    with Publisher(village, rows, 1.0) as publisher:
        wait_until(lambda: publisher.published() >= 1, f"the publisher publishes nothing: {publisher.told()[-1:]}")
        first = time.perf_counter() - publisher.started
        before = cpu_seconds(publisher.process.pid)
        time.sleep(seconds)
        used = (cpu_seconds(publisher.process.pid) - before) / seconds
        memory = resident_bytes(publisher.process.pid) / MEGABYTE
    what = "for comparison: each reading by itself as JSON"
    note = f"paho, TLS, keepalive {KEEPALIVE_SECONDS} s; it sends the same rows, and measures and stores nothing"
    return [
        Figure(f"{what}, resident memory", memory, "MB", note=note),
        Figure(f"{what}, processor", 1000 * used, "ms a cycle", note="with what it needs while idle; a cycle a second"),
        Figure(f"{what}, start to the first readings at the broker", first, "s"),
    ]


def _payloads(village: Village) -> list[bytes]:
    with closing(sqlite3.connect(village.folder / "collector" / "journal.db")) as journal:
        found = journal.execute("SELECT payload FROM entry WHERE kind = 'batch' AND lane = 'live' ORDER BY position")
        return [payload for (payload,) in found]


def _with_snmp(folder: Path, seconds: int, page_port: int | None = None) -> Figure:
    """Return the memory of an agent that asks an SNMP router too, and serves its page where a port is given."""
    with Mosquitto(folder / "broker") as broker, Snmpd(folder / "snmpd") as router:
        config = folder / "aldea.toml"
        told = _snmp_settings(folder / "data", broker.port, router.port) + _page_settings(page_port)
        config.write_text(told, encoding="utf-8")
        command = [sys.executable, "-m", "aldea.agents", "--config", str(config)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            time.sleep(seconds)
            looks = 0 if page_port is None else _look_at_page(page_port)
            memory, used = resident_bytes(process.pid) / MEGABYTE, cpu_seconds(process.pid)
        finally:
            process.terminate()
            process.wait(15)
    note = f"snmpd of this machine as router (v2c), {seconds} cycles; {used:.2f} s of processor with the start"
    name = "resident memory, with SNMP"
    if looks:
        name, note = f"{name} and the page", f"{note}; after {looks} pages were served"
    return Figure(name, memory, "MB", MEMORY_BUDGET_SNMP, note=note)


def _look_at_page(port: int) -> int:
    """Fetch the page's first page and those it links to; return how many were served."""
    base = f"http://127.0.0.1:{port}"
    try:
        with urllib.request.urlopen(base, timeout=10) as answer:
            text = answer.read().decode()
        links = sorted(set(re.findall(r'href="(/[a-z0-9/-]*)"', text)))[:8]
        for link in links:
            with suppress(HTTPError), urllib.request.urlopen(base + link, timeout=30) as answer:
                answer.read()  # some pages ask for the facilitator's PIN, which is an answer too
    except OSError as error:
        raise CannotMeasure(f"the agent's page does not answer: {error}") from error
    return 1 + len(links)


def _page_settings(port: int | None) -> str:
    return "" if port is None else f'[agent.page]\nenabled = true\nhost = "127.0.0.1"\nport = {port}\n'


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
