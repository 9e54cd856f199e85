"""A site and a server with a link between them, shaped by tbf, and a web server that any throughput test may ask."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from labkit.namespaces import Namespace, cable
from rigs.processes import RigError, find_program

if TYPE_CHECKING:
    from aldea.agents.probes.throughput.http_test import HttpTest
    from aldea.agents.probes.throughput.iperf3_test import Iperf3Test
    from aldea.agents.probes.throughput.outcome import Outcome

SITE, MODEM, SERVER = "192.0.2.2", "192.0.2.1", "198.51.100.1"
PORT = 8080


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


class _Web(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Say nothing: who has measured enough hangs up."""


class ShapedLink:
    """A site and a server."""

    def __init__(self, site: Namespace, server: Namespace) -> None:
        self.site, self.server = site, server

    def measure(self, test: HttpTest | Iperf3Test, still_seconds: float = 0.5) -> tuple[Outcome, int]:
        """Run a test at the site; return it and what the site's interface has carried, Ethernet's headers off."""
        before = self.site.counters("wan")
        outcome = self.site.call(test.run)
        time.sleep(still_seconds)  # what was on its way when the test was cut still comes
        return outcome, self.site.counters("wan").since(before).total_bytes


@contextmanager
def shaped_link(rate: int, burst: str, queue: str) -> Iterator[ShapedLink]:
    """Lay a link of so many bits a second both ways, with a queue before it. Raises RigError where none can be."""
    with ExitStack() as stack:
        site, modem, server = (stack.enter_context(Namespace(name)) for name in ("site", "modem", "server"))
        cable(site, "wan", f"{SITE}/30", modem, "lan", f"{MODEM}/30")
        cable(modem, "sky", "198.51.100.2/30", server, "eth", f"{SERVER}/30")
        # As a cable's: the counter of a pair of our own counts the headers of 64 kB once.
        site.ip("link", "set", "wan", "gso_max_segs", "1")
        site.ip("route", "add", "default", "via", MODEM)
        server.ip("route", "add", "default", "via", "198.51.100.2")
        modem.write("net/ipv4/ip_forward", "1")
        for interface in ("lan", "sky"):
            _shape(modem, interface, rate, burst, queue)
        web = server.call(_Web, (SERVER, PORT), Objects)
        threading.Thread(target=web.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield ShapedLink(site, server)
        finally:
            web.shutdown()
            web.server_close()


def _shape(place: Namespace, interface: str, rate: int, burst: str, queue: str) -> None:
    shape = ("root", "tbf", "rate", f"{rate}bit", "burst", burst, "latency", queue)
    words = place.command(find_program("tc", "iproute2"), "qdisc", "add", "dev", interface, *shape)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RigError(f"tc cannot shape here: {done.stderr}")
