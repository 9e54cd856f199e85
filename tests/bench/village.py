"""One village on three machines: the site with its agent, the router behind which the internet is, and the server.

    site  eth0 ---- router    gateway, anchor, DNS and HTTP: what the probes ask
    site  veth-up -- server   MQTT over TLS and nothing else, so that the interface's counters are the agent's

The agent is the real program. Its schedule runs faster by a whole factor: every period is divided by it, so each
sending carries the rows that it carries at a site.
"""

from __future__ import annotations

import os
import signal
import socketserver
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import dns.message
import dns.rrset
import trustme

from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.storage.register import open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.series import open_series_store
from bench.namespaces import Counters, Namespace, cable
from bench.report import CannotMeasure
from rigs.mosquitto import Mosquitto

SITE = "village"
UPLINK = "veth-up"
GATEWAY, BOX = "192.0.2.1", "192.0.2.2"
ANCHOR = "203.0.113.1"
SERVER, UPLINK_ADDRESS = "198.51.100.1", "198.51.100.2"
TLS_PORT = 8883


@dataclass(frozen=True, slots=True)
class Schedule:
    """A site's periods in seconds, and by what factor the run is faster."""

    name: str
    sample: int
    send: int
    factor: int
    keepalive: int = 600

    @property
    def sends_a_month(self) -> float:
        """Sendings in 30 days."""
        return 30 * 86_400 / self.send


EVERY_FIVE_MINUTES = Schedule("60 s / 300 s", 60, 300, 60)
FRUGAL = Schedule("frugal, 300 s / 900 s", 300, 900, 300)


class Village:
    """The three machines with broker, collector and what the probes ask; `agent()` starts the agent."""

    address, tls_port = SERVER, TLS_PORT

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stack = ExitStack()
        try:
            self._build()
        except BaseException:
            self._stack.close()
            raise

    def _build(self) -> None:
        self.site = self._stack.enter_context(Namespace("site"))
        router = self._stack.enter_context(Namespace("router"))
        self.server = self._stack.enter_context(Namespace("server"))
        cable(self.site, "eth0", f"{BOX}/30", router, "lan", f"{GATEWAY}/30")
        cable(self.site, UPLINK, f"{UPLINK_ADDRESS}/30", self.server, "wan", f"{SERVER}/30")
        router.ip("address", "add", f"{ANCHOR}/32", "dev", "lo")
        self.site.ip("route", "add", "default", "via", GATEWAY)
        for serve in (router.call(_web_server), router.call(_name_server)):
            self._stack.callback(serve.server_close)
            self._stack.callback(serve.shutdown)
            threading.Thread(target=serve.serve_forever, daemon=True).start()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.folder / "ca.pem"))
        certificate = authority.issue_cert(SERVER)
        (self.folder / "server.pem").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
        certificate.private_key_pem.write_to_path(str(self.folder / "server.key"))
        tls = [f"listener {TLS_PORT} {SERVER}", f"certfile {self.folder / 'server.pem'}"]
        tls += [f"keyfile {self.folder / 'server.key'}", "log_type all", "set_tcp_nodelay true"]
        self.broker = self.server.call(Mosquitto, self.folder / "broker", tls)
        self._stack.callback(self.server.call, self.broker.stop)
        self.server.call(self.broker.start)
        self.collector = self._collector()

    def _collector(self) -> Collector:
        register = open_register(f"sqlite:///{self.folder / 'register.db'}")
        self._stack.callback(register.close)
        register.migrate()
        with register.transaction() as unit:
            device = Device(SITE, "agent", "agent", 0)
            add_sites(unit, [SiteEntry(Site(SITE, SITE, "UTC", 0), 0, SiteState.COMMISSIONED, (), (device,))])
        store = open_series_store(f"sqlite:///{self.folder / 'series.db'}")
        self._stack.callback(store.close)
        address = BrokerAddress(port=self.broker.port)
        collector = Collector("bench", self.folder / "collector", address, register, store, SystemClock())
        self._stack.callback(collector.stop)
        self.server.call(collector.start)
        wait_until(lambda: collector.status().connected, "the collector is not connected")
        return collector

    def close(self) -> None:
        """Stop everything, last started first, and remove the namespaces."""
        self._stack.close()

    def agent(self, schedule: Schedule) -> Agent:
        """Start the agent on a data folder of its own."""
        return Agent(self, schedule)

    def uplink(self) -> Counters:
        """Return what has gone over the cable between site and server."""
        return self.site.counters(UPLINK)

    def probed(self) -> Counters:
        """Return what the probes have sent and received."""
        return self.site.counters("eth0")

    def pings(self) -> int:
        """Return how many keepalives the broker has received."""
        return self.broker.process.log.read_text(encoding="utf-8", errors="replace").count(
            "Received PINGREQ from aldea-v"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Agent:
    """The agent's process: `python -m aldea.agents`, as a site runs it."""

    _number = 0

    def __init__(self, village: Village, schedule: Schedule) -> None:
        Agent._number += 1
        folder = self._folder = village.folder / f"agent-{Agent._number}"
        folder.mkdir()
        (folder / "aldea.toml").write_text(settings(schedule, folder, village.folder / "ca.pem"), encoding="utf-8")
        self._log = (folder / "log").open("wb")
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            village.site.command(sys.executable, "-m", "aldea.agents", "--config", str(folder / "aldea.toml")),
            stdout=self._log,
            stderr=self._log,
        )

    def recorded(self) -> int:
        """How many rows its outbox has given a number."""
        try:
            with closing(sqlite3.connect(f"file:{self._folder / 'outbox.sqlite'}?mode=ro", uri=True)) as outbox:
                return int(outbox.execute("SELECT max(last_seq) FROM epoch").fetchone()[0])
        except sqlite3.Error:
            return 0

    @property
    def resident_bytes(self) -> int:
        """Its resident memory now."""
        return resident_bytes(self.process.pid)

    @property
    def cpu_seconds(self) -> float:
        """The processor time it has used so far, in the kernel too."""
        return cpu_seconds(self.process.pid)

    def stop(self) -> None:
        """End it in good order."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def settings(schedule: Schedule, data: Path, authority: Path) -> str:
    """Return an `aldea.toml` with the default probes, pointed at the router, every period divided by the factor."""
    every = {name: seconds / schedule.factor for name, seconds in (("dns", 600), ("http", 600), ("host", 300))}
    return f"""\
[agent]
site = "{SITE}"
data = "{data}"
sample_seconds = {schedule.sample / schedule.factor}
send_seconds = {schedule.send / schedule.factor}
keepalive_seconds = {schedule.keepalive}
[agent.broker]
host = "{SERVER}"
port = {TLS_PORT}
tls = true
ca_file = "{authority}"
[agent.ping]
anchors = ["{ANCHOR}"]
[agent.dns]
every_seconds = {every["dns"]}
servers = ["{ANCHOR}:53"]
[agent.http]
every_seconds = {every["http"]}
[[agent.http.targets]]
url = "http://{ANCHOR}/generate_204"
expect_status = 204
[agent.host]
every_seconds = {every["host"]}
"""


def resident_bytes(pid: int) -> int:
    """Return a process's resident memory."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Return a process's processor time, user and system, to the nanosecond (clock_getcpuclockid(3) on Linux)."""
    return time.clock_gettime((~pid << 3) | 2)


def wait_until(condition: Any, otherwise: str, within_seconds: float = 30.0) -> None:
    """Look until `condition()`. Raises CannotMeasure with `otherwise`."""
    deadline = time.perf_counter() + within_seconds
    while not condition():
        if time.perf_counter() > deadline:
            raise CannotMeasure(f"{otherwise} after {within_seconds:g} s")
        time.sleep(0.01)


class _Answers204(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(HTTPStatus.NO_CONTENT)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


class _AnswersNames(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, channel = self.request
        question = dns.message.from_wire(data)
        answer = dns.message.make_response(question)
        answer.answer.append(dns.rrset.from_text(question.question[0].name, 300, "IN", "A", ANCHOR))
        channel.sendto(answer.to_wire(), self.client_address)


def _web_server() -> socketserver.BaseServer:
    return ThreadingHTTPServer((ANCHOR, 80), _Answers204)


def _name_server() -> socketserver.BaseServer:
    return socketserver.UDPServer((ANCHOR, 53), _AnswersNames)
