"""A box's page asked as a browser does, without a socket or (`served`) by one; and the box it shows."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

from aldea.agents.checkup.evidence import Evidence
from aldea.agents.page.latest import LatestReadings
from aldea.agents.page.recorded import UplinkState
from aldea.agents.page.repairing import Repairing
from aldea.agents.page.repairs import RepairBook
from aldea.agents.page.rounds import CheckRounds, SpeedRounds
from aldea.agents.page.server import PageServer
from aldea.agents.page.view import BoxView, Waiting
from aldea.agents.page_settings import PageSettings
from aldea.agents.settings import AgentSettings
from aldea.model.clock import Clock
from aldea.model.sample import Reading

Form = Mapping[str, str | Sequence[str]]


def box_settings(folder: Path, page: PageSettings | None = None, **more: Any) -> AgentSettings:
    """Return an agent's settings with its page enabled."""
    return AgentSettings(site="yaxcaba", data=folder, page=page or PageSettings(enabled=True), **more)


def make_view(
    folder: Path, clock: Clock, page: PageSettings | None = None, idle: Idle | None = None, **more: Any
) -> BoxView:
    """Return a box as its pages see it; `more` are further fields of the view."""
    idle = idle or Idle()
    given: dict[str, Any] = {
        "settings": box_settings(folder, page),
        "known_ms": lambda: None,
        "latest": LatestReadings(),
        "uplink": UplinkState,
        "waiting": lambda: Waiting(0, None),
        "checks": CheckRounds(idle.submit, clock, idle.check),
        "speed": SpeedRounds(idle.submit, clock, idle.test, lambda: True, available=False),
        "repairing": Repairing(
            book=RepairBook(folder),
            clock=clock,
            boot_id="boot",
            known_ms=lambda: None,
            submit=idle.submit,
            check=idle.check,
            record=idle.record,
        ),
        **more,
    }
    return BoxView(clock=clock, version="0.1.0", **given)


class Idle:
    """An agent in which what a page starts runs at once, and finds `evidence`; what it records is in `recorded`."""

    def __init__(self, evidence: Evidence | None = None, readings: Sequence[Reading] = ()) -> None:
        self.evidence = evidence or Evidence()
        self.readings = readings
        self.recorded: list[Reading] = []
        self.takes = True

    def submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(asyncio.run(work))
        return done

    async def check(self, told: Callable[[Evidence], None] | None = None) -> Evidence:
        if told is not None:
            told(self.evidence)
        return self.evidence

    async def test(self) -> Sequence[Reading]:
        return self.readings

    async def record(self, reading: Reading) -> bool:
        self.recorded.append(reading)
        return self.takes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The page, decoded, with its entities as characters."""
        return unescape(self.body.decode())

    @property
    def csrf(self) -> str:
        """The token of the page's first form."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.body.decode())
        assert found is not None, "the page has no form"
        return found[1]


@dataclass(slots=True)
class Browser:
    """One browser at a site: keeps cookies, and follows nothing by itself."""

    site: Callable[..., Any]
    peer: str = "192.168.1.50"
    host: str = "192.168.1.2:8080"
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        """Get a page."""
        return self._ask("GET", path, b"", headers)

    def post(self, path: str, form: Form | None = None, *, token_from: str | None = None, **headers: str) -> Answer:
        """Send a form with the token of the page `token_from` (by default of the page itself)."""
        token = self.get(path if token_from is None else token_from).csrf
        return self.post_bare(path, {**(form or {}), "csrf": token}, **headers)

    def post_bare(self, path: str, form: Form, **headers: str) -> Answer:
        """Send a form as it is."""
        return self._ask("POST", path, urlencode(form, doseq=True).encode(), headers)

    def send(self, path: str, body: bytes, content_type: str) -> Answer:
        """Send these bytes."""
        return self._ask("POST", path, body, {}, content_type)

    def _ask(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        content_type: str = "application/x-www-form-urlencoded",
    ) -> Answer:
        bare, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": bare,
            "QUERY_STRING": query,
            "REMOTE_ADDR": self.peer,
            "HTTP_HOST": self.host,
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": content_type,
            "wsgi.input": BytesIO(body),
        }
        if self.cookies:
            environ["HTTP_COOKIE"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        environ.update({f"HTTP_{name.upper()}": value for name, value in headers.items()})
        setup_testing_defaults(environ)
        told: list[tuple[str, list[tuple[str, str]]]] = []
        parts = self.site(environ, lambda status, heads, exc_info=None: told.append((status, heads)))
        content = b"".join(parts)
        status, heads = told[-1]
        self._keep(value for name, value in heads if name.lower() == "set-cookie")
        return Answer(int(status[:3]), {name.lower(): value for name, value in heads}, content)

    def _keep(self, told: Any) -> None:
        for text in told:
            for name, morsel in SimpleCookie(text).items():
                if morsel["max-age"] in {"0", "-1"} or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value


@contextmanager
def served(view: BoxView) -> Iterator[str]:
    """Serve its pages to a browser; yield their address."""
    server = PageServer(view)
    server.start()
    try:
        bound = server.wait_until_bound(60)
        assert bound is not None
        yield f"http://127.0.0.1:{bound}"
    finally:
        server.stop()
