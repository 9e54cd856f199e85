"""Whether the box's own page is served, and where: asked as a neighbour would ask it."""

from __future__ import annotations

import http.client
from enum import StrEnum

from aldea.agents.own_network import own_address_towards
from aldea.agents.page.words import Words, say
from aldea.agents.page_settings import PageSettings

WITHIN_SECONDS = 3.0
_ANYWHERE = {"0.0.0.0", "::", "[::]"}  # noqa: S104 - nothing is listened on here
_BEYOND = "192.0.2.1"
"""An address of nobody: the way to it is the way out."""


class PageState(StrEnum):
    """`other`: something answers on the page's port that is not the page."""

    OFF = "off"
    SERVED = "served"
    OTHER = "other"
    SILENT = "silent"


def ask_page(page: PageSettings) -> PageState:
    """Ask the page on this machine."""
    if not page.enabled:
        return PageState.OFF
    host = "127.0.0.1" if page.host in _ANYWHERE else page.host.strip("[]")
    connection = http.client.HTTPConnection(host, page.port, timeout=WITHIN_SECONDS)
    try:
        connection.request("GET", "/about")
        answer = connection.getresponse()
        is_ours = b'href="/box-' in answer.read(4096)
    except http.client.HTTPException:
        return PageState.OTHER
    except OSError:
        return PageState.SILENT
    finally:
        connection.close()
    return PageState.SERVED if is_ours else PageState.OTHER


def page_words(page: PageSettings, state: PageState) -> Words:
    """Return where the page is, or why it isn't."""
    if state is PageState.SERVED:
        return say("the box's page is at %(address)s", address=page_address(page))
    if state is PageState.OTHER:
        return say(
            "the box's page is not served: another program has port %(port)d; give the page another one (page.port)",
            port=page.port,
        )
    if state is PageState.SILENT:
        return say("the box's page is not served now")
    return say("the box's page is switched off")


def page_address(page: PageSettings) -> str:
    """Return the page's address as the router's network knows it now."""
    host = page.host.strip("[]")
    if page.host in _ANYWHERE:
        host = own_address_towards(_BEYOND) or "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}{'' if page.port == 80 else f':{page.port}'}"
