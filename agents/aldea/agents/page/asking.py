"""What a browser sent, and where it is sent next: the few calls that routes make of bottle."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import urlencode

import bottle

LONGEST_FIELD = 16_384
CHOSEN = "aldea.language"
"""Where a request's environment holds the language in which a form is to be shown again."""


def field(request: Any, name: str) -> str:
    """Return a form's field as text without outer blanks, "" where it is missing; no longer than 16 K."""
    found = fields(request, {name}).get(name, [""])
    return found[-1].strip()[:LONGEST_FIELD]


def fields(request: Any, names: Collection[str] = ()) -> dict[str, list[str]]:
    """Return every field of a form with its values, as text, or those of these names; without the form's token.

    Bytes that are no letters come out as a sign for that: a form is not lost for one letter of an old telephone.
    """
    forms = request.forms
    found: dict[str, list[str]] = {}
    for pair in forms.allitems():
        name, value = (_decoded(text) if forms.recode_unicode else text for text in pair)
        if name in names or not (names or name == "csrf"):
            found.setdefault(name, []).append(_clean(value))
    return found


def asked(request: Any, name: str) -> str:
    """Return what the address or else the form says under a name, of what is short; "" where neither does."""
    return (request.query.getunicode(name) or field(request, name))[:64]


def _decoded(text: str) -> str:
    """Return what was meant by a text whose letters are the bytes that were sent, as bottle gives them."""
    return text.encode("latin-1").decode("utf-8", "replace")


def _clean(text: str) -> str:
    """Return a text without what nobody types and a server's database may not take."""
    return text.replace("\0", "")


def asks_language(request: Any) -> bool:
    """Say whether a form was sent to be shown in another language, and for nothing else."""
    return CHOSEN in request.environ


def go_to(path: str, said: str | None = None) -> Any:
    """Return the answer that sends the browser to one of our pages, with a flash sentence by its key (303)."""
    location = path if said is None else f"{path}{'&' if '?' in path else '?'}{urlencode({'said': said})}"
    return bottle.HTTPResponse(status=303, headers={"Location": location})


def own_path(path: str) -> str:
    """Return `path` if it is one of this page's own, else "/": nobody is sent elsewhere."""
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if is_own else "/"
