"""Around all pages: who is answered, under which name, and the headers of every answer."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import bottle

from aldea.agents.own_network import is_own_address, own_address_towards
from aldea.agents.page.asking import CHOSEN
from aldea.agents.page.failing import told
from aldea.agents.page.packing import Headers, packed
from aldea.agents.page.rendering import PAGES, Pages
from aldea.agents.page.words import COOKIE, Words, say
from aldea.agents.page_settings import LANGUAGES

_LOG = logging.getLogger(__name__)
MOST_BODY_BYTES = 256 * 1024
_HEADERS = (
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Guard:
    """The pages as a WSGI application: refuses whom they are not for, and never raises."""

    def __init__(self, app: Any, pages: Pages) -> None:
        self._app = app
        self._pages = pages
        self._names = {name.lower() for name in pages.view.settings.page.names} | {"localhost"}

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        environ[PAGES] = self._pages
        # Bottle writes there what went wrong with all its words, and the journal would have it: ours are in the log.
        environ["wsgi.errors"] = io.StringIO()

        begun: list[tuple[str, Headers]] = []

        def start(status: str, headers: Headers, _exc_info: Any = None) -> None:
            begun.append((status, headers))

        try:
            refused = self._refused(environ)
            body = self._app(environ, start) if refused is None else self._refuse(environ, start, *refused)
            status, headers = begun[-1]
            content, headers = packed(body, headers, str(environ.get("HTTP_ACCEPT_ENCODING", "")))
        except Exception as error:  # noqa: BLE001 - whatever went wrong in a page, the agent goes on
            _LOG.error("the page %r failed: %s", environ.get("PATH_INFO"), told(error))
            status, headers = "500 Internal Server Error", [("Content-Type", "text/plain; charset=utf-8")]
            content = [b"Something went wrong in the box. / Algo fall\xc3\xb3 en la caja.\n"]
        start_response(status, headers + _added(headers, environ))
        return content

    def _refused(self, environ: Environ) -> tuple[str, Words] | None:
        peer = str(environ.get("REMOTE_ADDR", ""))
        if not is_own_address(peer):
            return "403 Forbidden", say("This page is for the village's own network only.")
        if not self._is_own_name(str(environ.get("HTTP_HOST", ""))):
            return "421 Misdirected Request", say(
                "Open this page by the box's address: %(address)s", address=self._own(peer)
            )
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return "400 Bad Request", say("The browser sent something that cannot be read.")
        if length > MOST_BODY_BYTES:
            return "413 Content Too Large", say("That was too much at once: the box takes 256 KB.")
        return None

    def _own(self, peer: str) -> str:
        """Return the page's address as a neighbour reaches it; an example where the way to it is not known."""
        found = own_address_towards(peer) or "192.168.1.10"
        port = self._pages.view.settings.page.port
        return f"http://{f'[{found}]' if ':' in found else found}{'' if port == 80 else f':{port}'}"

    def _is_own_name(self, host: str) -> bool:
        """Say whether the browser called us by an address or a name of ours: a foreign name is another site's trick."""
        name = host.lower()
        if name.startswith("["):
            name = name[1:].partition("]")[0]
        elif name.count(":") == 1:
            name = name.partition(":")[0]
        if name.rstrip(".") in self._names:
            return True
        # Not any address: by the router's own public one, a forwarded port would let the whole Internet in.
        return is_own_address(name)

    def _refuse(self, environ: Environ, start: StartResponse, status: str, sentence: Words) -> Iterable[bytes]:
        # Without the village's name and the menu: it may be a stranger who asks.
        request = bottle.BaseRequest(environ)
        page = self._pages.render(request, "refused.html", sentence=sentence)
        start(status, [("Content-Type", "text/html; charset=utf-8")])
        return [page.encode()]


def _added(headers: Headers, environ: Environ) -> Headers:
    """Return the headers of every answer, and the language where one was chosen."""
    added = [*_HEADERS]
    if not any(name.lower() == "cache-control" for name, _ in headers):
        added.append(("Cache-Control", "no-store"))
    asked = environ.get(CHOSEN) or parse_qs(environ.get("QUERY_STRING", "")).get("lang", [""])[-1]
    if asked in LANGUAGES:
        added.append(("Set-Cookie", f"{COOKIE}={asked}; Max-Age=31536000; Path=/; SameSite=Lax"))
    return added
