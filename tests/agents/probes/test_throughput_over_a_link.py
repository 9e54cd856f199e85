"""Throughput over a cable between two namespaces, shaped by tbf: rates, and bytes against the interface's counters."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aldea.agents.probes.throughput.http_test import HttpTest
from aldea.agents.probes.throughput.iperf3_test import Iperf3Test
from aldea.agents.probes.throughput.outcome import Direction, Limits, Outcome
from aldea.agents.probes.throughput.settling import Settling
from labkit.namespaces import Namespace, cable
from rigs.processes import RigError, find_program
from rigs.waiting import eventually

pytestmark = pytest.mark.alone

SITE, MODEM, SERVER = "192.0.2.2", "192.0.2.1", "198.51.100.1"
PORT = 8080
RATE = 8_000_000
LIMITS = Limits(wire_bytes=20_000_000, seconds=12.0, flows=4, connect_seconds=3.0)


class Objects(BaseHTTPRequestHandler):
    """Serves /N as N bytes and takes a POST, as any web server might."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        size = int(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", str(size))
        self.end_headers()
        try:
            self.wfile.write(bytes(size))
        except OSError:
            self.close_connection = True

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        try:
            while left > 0 and (part := self.rfile.read1(min(left, 65_536))):
                left -= len(part)
            self.send_response(204)
            self.end_headers()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Link:
    """A site and a server with a cable of RATE bits a second both ways."""

    def __init__(self, site: Namespace, server: Namespace) -> None:
        self.site, self.server = site, server

    def measure(self, test: HttpTest | Iperf3Test) -> tuple[Outcome, int]:
        """Run a test at the site; return it and what the site's interface has carried, Ethernet's headers off."""
        before = self.site.counters("wan")
        outcome = self.site.call(test.run)
        time.sleep(0.5)  # what was on its way when the test was cut still comes
        return outcome, self.site.counters("wan").since(before).total_bytes


class _Web(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    with ExitStack() as stack:
        try:
            site, modem, server = (stack.enter_context(Namespace(name)) for name in ("site", "modem", "server"))
            cable(site, "wan", f"{SITE}/30", modem, "lan", f"{MODEM}/30")
            cable(modem, "sky", "198.51.100.2/30", server, "eth", f"{SERVER}/30")
            # As a cable's: the counter of a pair of our own counts the headers of 64 kB once.
            site.ip("link", "set", "wan", "gso_max_segs", "1")
            site.ip("route", "add", "default", "via", MODEM)
            server.ip("route", "add", "default", "via", "198.51.100.2")
            modem.call(lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii"))
            for interface in ("lan", "sky"):
                _shape(modem, interface)
        except RigError as error:
            pytest.skip(str(error))
        web = server.call(_Web, (SERVER, PORT), Objects)
        threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True).start()
        yield Link(site, server)
        web.shutdown()
        web.server_close()


def _shape(place: Namespace, interface: str) -> None:
    """Let RATE through, with a queue of 150 ms before it, as a modem has."""
    shape = ("root", "tbf", "rate", f"{RATE}bit", "burst", "16kb", "latency", "150ms")
    words = place.command(find_program("tc", "iproute2"), "qdisc", "add", "dev", interface, *shape)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RigError(f"tc cannot shape here: {done.stderr}")


@pytest.mark.parametrize("direction", list(Direction))
def test_http_finds_the_rate_stops_early_and_counts_what_the_interface_counts(link: Link, direction: Direction) -> None:
    url = f"http://{SERVER}:{PORT}/" + ("{bytes}" if direction is Direction.DOWN else "")
    outcome, carried = link.measure(HttpTest(url, direction, LIMITS, None))
    assert outcome.failure is None
    assert outcome.steady
    assert outcome.seconds < 0.75 * LIMITS.seconds, "it did not stop early"
    assert outcome.bits_per_second == pytest.approx(RATE * 0.95, rel=0.07)
    assert outcome.spent_bytes == pytest.approx(carried, rel=0.05)
    assert carried < LIMITS.wire_bytes


@pytest.mark.parametrize("direction", list(Direction))
def test_a_capped_test_is_not_steady_and_costs_no_more_than_its_cap(link: Link, direction: Direction) -> None:
    url = f"http://{SERVER}:{PORT}/" + ("{bytes}" if direction is Direction.DOWN else "")
    limits = Limits(wire_bytes=500_000, seconds=8.0, flows=4, connect_seconds=3.0)
    outcome, carried = link.measure(HttpTest(url, direction, limits, None))
    assert (outcome.failure, outcome.steady) == (None, False)
    assert outcome.bits_per_second is not None
    assert carried <= limits.wire_bytes
    assert outcome.spent_bytes == pytest.approx(carried, rel=0.05)


@pytest.fixture(scope="module")
def iperf3(link: Link) -> Iterator[None]:
    try:
        program = find_program("iperf3", "iperf3")
    except Exception as error:  # noqa: BLE001 - whatever the rig says of a missing program
        pytest.skip(str(error))
    process = subprocess.Popen(link.server.command(program, "-s", "-B", SERVER), stdout=subprocess.DEVNULL)
    listening = [find_program("ss", "iproute2"), "-ltn"]
    eventually(lambda: ":5201 " in link.server.run(*listening), 30)
    yield
    process.terminate()
    process.wait(5)


@pytest.mark.usefixtures("iperf3")
@pytest.mark.parametrize("direction", list(Direction))
def test_iperf3_finds_the_rate_and_counts_what_the_interface_counts(link: Link, direction: Direction) -> None:
    outcome, carried = link.measure(Iperf3Test(SERVER, 5201, direction, LIMITS, lambda: _counted(direction)))
    assert outcome.failure is None
    assert outcome.steady
    assert outcome.bits_per_second == pytest.approx(RATE * 1448 / 1514, rel=0.03)
    assert outcome.body_bytes < carried, "what is left in buffers has not been sent"
    assert outcome.seconds < 11.0
    assert outcome.spent_bytes == pytest.approx(carried, rel=0.05)


@pytest.mark.usefixtures("iperf3")
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("method", ["http", "iperf3"])
def test_a_test_that_is_given_up_says_what_it_has_cost(link: Link, method: str, direction: Direction) -> None:
    url = f"http://{SERVER}:{PORT}/" + ("{bytes}" if direction is Direction.DOWN else "")
    test: HttpTest | Iperf3Test = HttpTest(url, direction, LIMITS, None)
    if method == "iperf3":
        test = Iperf3Test(SERVER, 5201, direction, LIMITS, lambda: _counted(direction))
    assert_given_up_costs_what_it_says(link, test)


class EndsAtOnce(HttpTest):
    """Its connections' threads have all ended before it looks which of them still run, as they may on a busy box."""

    def _watch(self, settling: Settling, threads: Sequence[threading.Thread], started: float, window: float) -> None:
        super()._watch(settling, threads, started, window)
        for thread in threads:
            thread.join()


def test_what_was_on_its_way_is_counted_however_soon_a_test_that_is_given_up_ends(link: Link) -> None:
    url = f"http://{SERVER}:{PORT}/{{bytes}}"
    assert_given_up_costs_what_it_says(link, EndsAtOnce(url, Direction.DOWN, LIMITS, None))


def assert_given_up_costs_what_it_says(link: Link, test: HttpTest | Iperf3Test) -> None:
    timer = threading.Timer(1.0, test.abandon)
    timer.start()
    outcome, carried = link.measure(test)
    timer.join()
    assert not outcome.steady
    assert carried < LIMITS.wire_bytes / 4, "it was not given up"
    assert outcome.spent_bytes == pytest.approx(carried, rel=0.1)


def _counted(direction: Direction) -> int:
    """Read the site's counter in the site's own thread, where the test runs."""
    line = next(
        line for line in Path("/proc/thread-self/net/dev").read_text().splitlines() if line.strip().startswith("wan:")
    )
    numbers = [int(word) for word in line.split(":")[1].split()]
    return numbers[0] if direction is Direction.DOWN else numbers[8]
