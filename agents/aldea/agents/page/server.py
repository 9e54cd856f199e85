"""The page's server: waitress in a thread of the agent, which it never takes down."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aldea.agents.page.connections import Connections
from aldea.agents.page.view import BoxView
from aldea.model.clock import SystemClock

if TYPE_CHECKING:
    from aldea.agents.page.gate import Gate

Site = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_LOG = logging.getLogger(__name__)
THREADS = 3
# A phone holds a connection open for its next page, several of them even: that many are for a village.
MOST_CONNECTIONS = 100
_SILENT_SECONDS = 20
_HEADER_BYTES = 16 * 1024
# Larger than what the guard takes, so that a form slightly too large gets a page that says so.
_BODY_BYTES = 512 * 1024
_STEP_SECONDS = 0.5
_AGAIN_SECONDS = 30.0
_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "threads": THREADS,
        "connection_limit": MOST_CONNECTIONS,
        "channel_timeout": _SILENT_SECONDS,
        "cleanup_interval": 5,
        "max_request_header_size": _HEADER_BYTES,
        "max_request_body_size": _BODY_BYTES,
        "inbuf_overflow": _BODY_BYTES,
        "outbuf_overflow": _BODY_BYTES,
        "ident": None,
        "expose_tracebacks": False,
    }
)


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket at an address; an IPv6 one that means all addresses takes IPv4 too."""
    is_v6 = ":" in host
    both = is_v6 and host.strip("[]") == "::" and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if is_v6 else socket.AF_INET
    return socket.create_server((host.strip("[]"), port), family=family, dualstack_ipv6=both)


class PageServer:
    """Serves a box's page until it is stopped. A port that is taken is logged, and tried again."""

    def __init__(self, view: BoxView) -> None:
        self._view = view
        self._gate: Gate | None = None
        self._site: Site | None = None
        self._stop = threading.Event()
        self._bound = threading.Event()
        self._changing = threading.Lock()
        self._port: int | None = None
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)

    def start(self) -> None:
        """Begin, and return at once."""
        self._thread.start()

    def show(self, view: BoxView) -> None:
        """Show this box from now on, to whoever is signed in too: the port stays open. Called in any thread."""
        with self._changing:
            self._view = view
            if self._site is not None:
                self._site = self._build()

    def stop(self, timeout_seconds: float = 3.0) -> None:
        """End the thread; wait for it so long."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)

    def wait_until_bound(self, timeout_seconds: float) -> int | None:
        """Return the port once it listens, None when it does not within the time."""
        self._bound.wait(timeout_seconds)
        return self._port

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._serve()
            except OSError as error:
                page = self._view.settings.page
                _LOG.error("the page cannot listen on %s port %d: %s", page.host, page.port, error)
            except Exception:  # noqa: BLE001 - the page is the least of the agent's duties
                _LOG.exception("the page failed")
            self._stop.wait(_AGAIN_SECONDS)

    def _serve(self) -> None:
        # Here, so that an agent without the page does not carry them (8 MB).
        from waitress import wasyncore  # noqa: PLC0415 - as above
        from waitress.server import create_server  # noqa: PLC0415 - as above

        logging.getLogger("waitress").setLevel(logging.ERROR)
        page = self._view.settings.page
        channels: dict[int, Any] = {}
        with self._changing:
            self._site = self._site or self._build()
        with _listening(page.host, page.port) as listening:
            server = create_server(self._answer, map=channels, sockets=[listening], **_OPTIONS)
            self._loop(server, channels, wasyncore)

    def _build(self) -> Site:
        from aldea.agents.page.app import build_site, make_gate  # noqa: PLC0415 - as above

        if self._gate is None:
            self._gate = make_gate(self._view)
        return build_site(self._view, self._gate)

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        assert self._site is not None
        return self._site(environ, start_response)

    def _loop(self, server: Any, channels: dict[int, Any], wasyncore: Any) -> None:
        try:
            self._port = int(server.effective_port)
            self._bound.set()
            _LOG.info("the box's page is at port %d", self._port)
            held = Connections(SystemClock(), MOST_CONNECTIONS)
            while not self._stop.is_set():
                wasyncore.loop(timeout=_STEP_SECONDS, use_poll=True, map=channels, count=1)
                held.end_some(server.active_channels.values())
        finally:
            server.task_dispatcher.shutdown(timeout=1)
            server.close()
            wasyncore.close_all(channels, ignore_all=True)
