"""Providers on loopback: a web server that records and misbehaves when told to, and a mail server."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from rigs.processes import free_port


@dataclass
class Request:
    """What came in."""

    path: str
    headers: dict[str, str]
    document: Any


@dataclass
class Answer:
    """What goes out; `hang` accepts the request and never answers until the server is closed."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    hang: bool = False


class Web:
    """A web server. `answers` are used up in order, then `always`."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answers: list[Answer] = []
        self.always = Answer()
        self._over = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                owner._take(self)

            def do_GET(self) -> None:
                owner._take(self)

            def do_PUT(self) -> None:
                owner._take(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def keys(self) -> list[str]:
        return [one.headers["idempotency-key"] for one in self.requests]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        try:
            document = json.loads(body) if body else None
        except ValueError:
            document = body
        self.requests.append(Request(handler.path, {k.lower(): v for k, v in handler.headers.items()}, document))
        answer = self.answers.pop(0) if self.answers else self.always
        if answer.hang:
            self._over.wait(120)
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(answer.body)))
        handler.end_headers()
        handler.wfile.write(answer.body.encode())


class Mail:
    """A mail server. `refuse` names recipients that it does not know."""

    def __init__(self, *, login: tuple[str, str] | None = None, tls: Any = None) -> None:
        self.messages: list[Message] = []
        self.refuse: set[str] = set()
        self._login = login
        needed: dict[str, Any] = {}
        if login is not None:
            needed = {"authenticator": self._check, "auth_required": True, "auth_require_tls": tls is not None}
        if tls is not None:
            needed |= {"tls_context": tls, "require_starttls": True}
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port(), ready_timeout=60.0, **needed)

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def _check(self, _server: SMTP, _session: Session, _envelope: Envelope, _kind: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        assert self._login is not None
        good = (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=good, handled=False)

    async def handle_RCPT(  # noqa: N802 - the mail server's library calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuse:
            return "550 5.1.1 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        assert isinstance(envelope.content, bytes)
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"
