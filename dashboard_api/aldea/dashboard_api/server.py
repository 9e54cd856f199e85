"""Running the app: in a thread of a larger process, or as a process of its own."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import uvicorn

from aldea.dashboard_api.certificate import Certificate
from aldea.model.said import Said

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger(__name__)

START_SECONDS = 20
STOP_SECONDS = 10
LOOPBACK = "127.0.0.1"
CERTIFICATE_TICKS = 300
"""The server ticks ten times a second: every half minute it looks whether the certificate was renewed."""


class CannotServe(Exception):
    """The address can't be listened on, or the app does not start; the message says what to do."""


class _Server(uvicorn.Server):
    """A server that ends the live streams first, since they would never end by themselves."""

    def __init__(self, app: FastAPI, certificate: Certificate | None) -> None:
        # Nothing of a request is logged: an address may carry what is nobody's business.
        config = uvicorn.Config(
            app,
            access_log=False,
            log_config=None,
            lifespan="on",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=30,
            ssl_certfile=None if certificate is None else certificate.file,
            ssl_keyfile=None if certificate is None else certificate.key,
        )
        super().__init__(config)
        self._app = app
        self._certificate = certificate
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def on_tick(self, counter: int) -> bool:
        if self._certificate is not None and counter % CERTIFICATE_TICKS == 0 and self.config.ssl is not None:
            self._certificate.renew(self.config.ssl)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.context.live.close()
        await super().shutdown(sockets)


class HttpServer:
    """An app that a thread serves from `start` on. `stop` ends it within about two seconds."""

    def __init__(self, server: _Server, listening: socket.socket) -> None:
        self._server = server
        self._listening = listening
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._listening.getsockname()[1])

    @property
    def url(self) -> str:
        """The address to give to people."""
        host = self._listening.getsockname()[0]
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self._server.config.is_ssl else 'http'}://{shown}:{self.port}"

    def start(self) -> None:
        """Start the thread and wait until requests are answered. Raises CannotServe."""
        self._thread.start()
        if not self._server.ready.wait(START_SECONDS) or not self._server.started:
            self.stop()
            raise CannotServe(
                Said(
                    "the web server does not start: see the log for the reason",
                    "el servidor web no arranca: la bitácora dice por qué",
                )
            )

    def stop(self) -> None:
        """End every connection and the thread, if it was started."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)
        self._listening.close()

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._listening])
        finally:
            self._server.ready.set()


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens (port 0: any free one). Raises CannotServe with a sentence."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends small answers at once only where it reads TCP here; else
    # every answer waits 40 ms for the client's delayed acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port))
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise CannotServe(
            Said(
                f"can't listen on {host} port {port} ({error.strerror}): stop what holds it, or set ALDEA_HTTP_PORT",
                f"no se puede escuchar en {host}, puerto {port} ({error.strerror}): detener lo que lo ocupa, o poner "
                "otro en ALDEA_HTTP_PORT",
            )
        ) from error
    return listening


def prepare(app: FastAPI, host: str = LOOPBACK, port: int = 8000, certificate: Certificate | None = None) -> HttpServer:
    """Return a server that holds its address and answers once started; nobody but this machine can reach loopback.

    So its address can be written down before anybody is answered. With a certificate it speaks HTTPS. Raises
    CannotServe when the address is taken or the certificate can't be used.
    """
    server = _server(app, certificate)
    return HttpServer(server, listen(host, port))


def serve(app: FastAPI, host: str = LOOPBACK, port: int = 8000, certificate: Certificate | None = None) -> HttpServer:
    """Serve the app from a thread and return once it answers. Raises CannotServe as `prepare` and `start` do."""
    server = prepare(app, host, port, certificate)
    server.start()
    return server


def main(app: FastAPI, host: str = LOOPBACK, port: int = 8000, certificate: Certificate | None = None) -> None:
    """Serve the app from this thread until the process is told to stop (Ctrl-C, SIGTERM)."""
    server = _server(app, certificate)
    listening = listen(host, port)
    try:
        server.run(sockets=[listening])
    finally:
        listening.close()


def _server(app: FastAPI, certificate: Certificate | None) -> _Server:
    if certificate is not None:
        try:
            certificate.check()
        except (OSError, ssl.SSLError) as error:
            raise CannotServe(
                Said(
                    f"the certificate {certificate.file} with the key {certificate.key} can't be used ({error}): both "
                    "are PEM files that belong together, and this user must be allowed to read them",
                    f"el certificado {certificate.file} con la llave {certificate.key} no se puede usar ({error}): los "
                    "dos son archivos PEM que van juntos, y este usuario debe poder leerlos",
                )
            ) from error
    return _Server(app, certificate)
