"""Which route of the table an address belongs to, in the router's own order and by its own patterns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fastapi.routing import iter_route_contexts
from starlette.routing import BaseRoute, compile_path

from aldea.dashboard_api.access.permissions import Permission


class UnlistedRoute(Exception):
    """A route is not in the table of what routes need; the message says which."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A route as the gate knows it."""

    method: str
    path: str
    pattern: re.Pattern[str]
    permission: Permission


def entries(routes: Sequence[BaseRoute], table: Mapping[tuple[str, str], Permission]) -> tuple[Entry, ...]:
    """Return every route of the app, in the order in which they are tried, with what it needs.

    Raises UnlistedRoute, naming every route that the table lacks.
    """
    found: list[Entry] = []
    missing: list[str] = []
    for method, path in declared(routes):
        permission = table.get((method, path))
        if permission is None:
            missing.append(f"{method} {path}")
        else:
            found.append(Entry(method, path, compile_path(path)[0], permission))
    if missing:
        raise UnlistedRoute(f"access/table.py has no line for {', '.join(missing)}: say what each needs")
    return tuple(found)


def declared(routes: Sequence[BaseRoute]) -> Iterable[tuple[str, str]]:
    """Yield each route's methods (HEAD goes with GET) and path as it was declared."""
    for route in iter_route_contexts(routes):
        for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
            yield method, str(route.path)


def match(known: Iterable[Entry], method: str, path: str) -> Entry | None:
    """Return the route that answers, or None: then there is none, or it does not take the method."""
    wanted = "GET" if method == "HEAD" else method
    return next((entry for entry in known if entry.method == wanted and entry.pattern.match(path)), None)
