"""How many rows a second the collector takes: agents' batches over a real mosquitto into journal and SQLite store.

Run `PYTHONPATH=tests python -m bench.ingest`. Publisher, broker and collector share the machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.deploy.garbage import settle_garbage
from aldea.model.clock import ClockState, SystemClock
from aldea.model.sample import Row, Value, tags_of
from aldea.model.wire import Anchor, Header, encode
from aldea.storage.register import open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from rigs.mosquitto import Mosquitto
from rigs.processes import find_program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.synchronize import Event

AGENTS = 76
BUDGETS = {300: 200_000, 40: 100_000}
IN_FLIGHT = 500


def site_name(number: int) -> str:
    """Return the id of one of the villages."""
    return f"village-{number:02d}"


def batches(rows_a_message: int, messages: int) -> list[tuple[str, bytes]]:
    """Return (topic, message): each agent's batches in order, the agents in turn."""
    clock = SystemClock()
    now, per_agent = clock.wall_ms(), messages // AGENTS
    made: list[tuple[str, bytes]] = []
    random = np.random.default_rng(1)
    minutes = 45 * 24 * 60
    for turn in range(per_agent):
        for agent in range(AGENTS):
            first = 1 + turn * rows_a_message
            rows = [_row(first + index, first + index, random) for index in range(rows_a_message)]
            mono = minutes * 60_000
            header = Header(
                site=site_name(agent),
                device="agent",
                epoch="0123456789abcdef",
                first_seq=first,
                rows=rows_a_message,
                boot_id="fedcba9876543210",
                boot_no=1,
                sent_mono_ms=mono,
                sent_wall_ms=now,
                clock=ClockState.NTP,
                anchor=Anchor(mono, now, 20, "ntp"),
            )
            made.append((f"aldea/1/{site_name(agent)}/agent/bulk", encode(header, rows)))
    return made


TARGETS = ("192.168.1.1", "9.9.9.9", "198.51.100.7", "203.0.113.9")


def _row(seq: int, index: int, random: np.random.Generator) -> Row:
    """One probe result of eight fields; four targets a minute."""
    rtt = 0.02 + float(random.exponential(0.01))
    fields: dict[str, Value] = {
        "sent": 3,
        "received": 3,
        "loss_ratio": 0.0,
        "rtt_min_seconds": round(rtt, 5),
        "rtt_avg_seconds": round(rtt * 1.1, 5),
        "rtt_max_seconds": round(rtt * 1.3, 5),
        "method": "icmp",
        "failure": None if random.random() < 0.99 else "no_reply",
    }
    mono = index // 4 * 60_000 + int(random.integers(0, 500))
    return Row(seq, mono, "ping", tags_of({"target": TARGETS[index % 4], "role": "anchor"}), fields)


def packets(messages: Sequence[tuple[str, bytes]]) -> list[bytes]:
    """Return MQTT's PUBLISH packets at QoS 1: ready beforehand, so that the publisher takes little of the machine."""
    made: list[bytes] = []
    for number, (topic, payload) in enumerate(messages):
        body = len(topic).to_bytes(2, "big") + topic.encode() + (number % 65_535 + 1).to_bytes(2, "big") + payload
        made.append(b"\x32" + _length(len(body)) + body)
    return made


def _length(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = divmod(number, 128)
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def publish(port: int, ready_made: Sequence[bytes], ready: Event, go: Event) -> None:
    """Publish everything, with at most `IN_FLIGHT` messages that the broker has not acknowledged."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05bench")
        connection.recv(4)
        ready.set()
        go.wait()
        sent = acknowledged = rest = 0
        while acknowledged < len(ready_made):
            room = min(IN_FLIGHT - (sent - acknowledged), len(ready_made) - sent)
            if room:
                connection.sendall(b"".join(ready_made[sent : sent + room]))
                sent += room
            got = len(connection.recv(65_536)) + rest
            if got == rest:
                raise SystemExit("the broker closed the connection")
            acknowledged, rest = acknowledged + got // 4, got % 4


def measure(rows_a_message: int, messages: int, folder: Path) -> dict[str, float]:
    """Return rows, seconds and rows a second, from the first publish to the last row in journal and store."""
    prepared = packets(batches(rows_a_message, messages))
    rows = len(prepared) * rows_a_message
    register = open_register(f"sqlite:///{folder / 'register.db'}")
    register.migrate()
    with register.transaction() as unit:
        add_sites(unit, [site_entry(number) for number in range(AGENTS)])
    store = SqliteSeriesStore(folder / "series.db")
    # The stock queue of 1,000 messages would drop what the collector has not read yet; agents keep fewer in flight.
    with Mosquitto(folder / "broker", ["max_queued_messages 100000", "max_inflight_messages 2000"]) as broker:
        clock = SystemClock()
        collector = Collector("bench", folder / "data", BrokerAddress(port=broker.port), register, store, clock)
        collector.start()
        while not collector.status().connected:
            time.sleep(0.01)
        context = multiprocessing.get_context("fork")
        ready, go = context.Event(), context.Event()
        process = context.Process(target=publish, args=(broker.port, prepared, ready, go))
        process.start()
        ready.wait()
        settle_garbage()  # as `aldea collector` does
        started, used = time.perf_counter(), (time.process_time(), _cpu_seconds(broker.process.pid))
        go.set()
        stored_at = _wait(collector, len(prepared))
        seconds = stored_at - started
        cpu = (time.process_time() - used[0], _cpu_seconds(broker.process.pid) - used[1])
        process.join()
        while collector.status().feed_position < len(prepared):
            time.sleep(0.02)
        feed_seconds = time.perf_counter() - started
        collector.stop()
    store.close()
    register.close()
    _check(folder, rows)
    size = sum(len(packet) for packet in prepared) / rows
    return {"rows": rows, "seconds": seconds, "rate": rows / seconds, "feed": rows / feed_seconds, "bytes": size} | {
        "collector_cpu": cpu[0] / seconds,
        "broker_cpu": cpu[1] / seconds,
        "rows_a_cpu_second": rows / sum(cpu),
    }


def _cpu_seconds(pid: int) -> float:
    """Return a process's processor time (clock_getcpuclockid(3): the process's own clock)."""
    return time.clock_gettime((~pid << 3) | 2)


def _wait(collector: Collector, entries: int) -> float:
    deadline = time.perf_counter() + 300
    while time.perf_counter() < deadline:
        if collector.status().series_position >= entries:
            return time.perf_counter()
        time.sleep(0.02)
    raise SystemExit(f"the collector did not finish: {collector.status()}")


def _check(folder: Path, rows: int) -> None:
    with sqlite3.connect(folder / "series.db") as series, sqlite3.connect(folder / "data" / "journal.db") as journal:
        (in_store,) = series.execute("SELECT sum(rows) FROM chunk").fetchone()
        (in_journal,) = journal.execute("SELECT sum(last_seq - first_seq + 1) FROM entry").fetchone()
    if (in_store, in_journal) != (rows, rows):
        raise SystemExit(f"{rows} rows were sent, {in_journal} are in the journal, {in_store} in the store")


def site_entry(number: int) -> SiteEntry:
    """Return one of the villages for the register."""
    name = site_name(number)
    device = Device(name, "agent", "agent", 0)
    return SiteEntry(Site(name, name, "America/Merida", 0, simulated=True), 0, SiteState.COMMISSIONED, (), (device,))


def machine() -> str:
    """Return what the figures were measured on."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = next((line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name")), "unknown")
    program = find_program("mosquitto", "mosquitto")
    version = subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout.split("\n")[0]
    cores = multiprocessing.cpu_count()
    return (
        f"{cores} cores of {model}; Python {platform.python_version()}, numpy {np.__version__}, "
        f"SQLite {sqlite3.sqlite_version}, {version}"
    )


def main() -> int:
    """Measure both sizes and print them with their budgets; 1 when one of them is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_500_000, help="rows for each measurement (default 1,500,000)")
    parser.add_argument("--folder", type=Path, default=None, help="where the files go (default: the system's)")
    arguments = parser.parse_args()
    print(f"ingest, {AGENTS} agents, QoS 1, to journal and SQLite store\n{machine()}")
    missed = False
    for size, budget in BUDGETS.items():
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            found = measure(size, arguments.rows // size // AGENTS * AGENTS, Path(folder))
        missed |= found["rate"] < budget
        print(
            f"{size:>4} rows a message: {found['rate']:>9,.0f} rows/s (budget {budget:,}, {found['rate'] / budget:.2f} "
            f"of it), {found['feed']:,.0f} with the register's feed; {found['rows']:,.0f} rows in "
            f"{found['seconds']:.1f} s, {found['bytes']:.1f} bytes a row; collector used {found['collector_cpu']:.2f} "
            f"cores, broker {found['broker_cpu']:.2f}: {found['rows_a_cpu_second']:,.0f} rows a core-second of both; "
            f"load of the machine {os.getloadavg()[0]:.1f}"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
