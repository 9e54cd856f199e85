"""Every route with every kind of visitor, by a real request, against the table that is written in matrix.txt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import Client

from aldea.dashboard_api.access.cookies import SESSION
from aldea.dashboard_api.access.matching import UnlistedRoute, declared, entries
from aldea.dashboard_api.access.permissions import ROLES
from aldea.dashboard_api.access.table import BARE, ROUTES
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import ManualClock
from aldea.storage.register.people import ROLE_NAMES, Grant, add_person, give_role, set_disabled
from dashboard_api.accounts import session_of, token_of
from dashboard_api.village import HOUR, NOW_MS, Village

MATRIX = Path(__file__).with_name("matrix.txt")
VISITORS = ("nobody", *ROLE_NAMES, "ended", "disabled", "token")
"""`ended`: an administrator whose grant is over; `disabled`: one that is kept out; `token`: one's, to view alone."""

Row = tuple[str, str]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    village = Village(tmp_path_factory.mktemp("matrix"))
    yield create_app(village.register, village.series, ManualClock(NOW_MS), ApiSettings())
    village.close()


@pytest.fixture(scope="module")
def found(app: FastAPI) -> Mapping[Row, str]:
    """Who is let through, by route: a letter a visitor, in the order of VISITORS."""
    server = serve(app, port=0)
    credentials = _credentials(app)
    try:
        rows = dict.fromkeys(sorted(declared(app.routes), key=lambda row: (row[1], row[0])), "")
        for visitor in VISITORS:
            with Client(base_url=server.url, headers=credentials[visitor], timeout=60) as client:
                for method, path in rows:
                    rows[method, path] += "x" if _let_through(client, method, path) else "."
        return rows
    finally:
        server.stop()


def test_every_route_lets_through_exactly_who_the_written_table_says(found: Mapping[Row, str]) -> None:
    written = MATRIX.read_text(encoding="utf-8")
    made = _table(found)
    assert made == written, f"if this is meant, put it into {MATRIX.name}:\n{made}"


def test_the_table_has_no_line_for_a_route_that_there_is_not(app: FastAPI) -> None:
    assert set(ROUTES) == set(declared(app.routes))
    assert {path for _, path in ROUTES} >= BARE


def test_an_app_with_an_unlisted_route_does_not_start(app: FastAPI) -> None:
    less = {row: right for row, right in ROUTES.items() if row != ("GET", "/api/v1/sites")}
    with pytest.raises(UnlistedRoute, match="GET /api/v1/sites: say what each needs"):
        entries(app.routes, less)


def test_a_route_that_is_added_behind_the_gates_back_is_refused(empty: Village) -> None:
    app = create_app(empty.register, empty.series, ManualClock(NOW_MS), ApiSettings(demo_admin=True))
    app.get("/hidden")(lambda: "secret")
    server = serve(app, port=0)
    with Client(base_url=server.url) as client:
        answer = client.get("/hidden")
    server.stop()
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_head_needs_what_get_needs_and_options_gives_nothing(app: FastAPI) -> None:
    server = serve(app, port=0)
    with Client(base_url=server.url, timeout=60) as client:
        for method, path in declared(app.routes):
            address = _filled(path)
            if method == "GET" and not _let_through(client, "GET", path):
                assert client.head(address).status_code in {303, 401, 405}, path
            assert client.options(address).status_code in {401, 403, 404, 405}, path
            assert "allow-origin" not in str(client.options(address).headers).lower()
    server.stop()


def test_roles_and_their_names_in_the_register_are_the_same() -> None:
    assert set(ROLES) == set(ROLE_NAMES)


def _credentials(app: FastAPI) -> dict[str, dict[str, str]]:
    register = app.state.context.register
    sessions = {role: session_of(register, role.replace("_", "-"), role, NOW_MS) for role in ROLE_NAMES}
    with register.transaction() as unit:
        add_person(unit, "ended", "Ended", NOW_MS)
        give_role(unit, Grant("ended", "admin", "", "", NOW_MS - HOUR, NOW_MS))
    sessions["ended"] = session_of(register, "ended", "", NOW_MS)
    sessions["disabled"] = session_of(register, "disabled", "admin", NOW_MS)
    with register.transaction() as unit:
        set_disabled(unit, "disabled", disabled=True, at_ms=NOW_MS)
    found = {name: {"Cookie": f"{SESSION}={token}"} for name, token in sessions.items()}
    secret = token_of(register, "admin", ["view"], NOW_MS)
    return {"nobody": {}, **found, "token": {"Authorization": f"Bearer {secret}"}}


def _let_through(client: Client, method: str, path: str) -> bool:
    """Whether the gate lets a request pass; what the endpoint makes of it is not asked here.

    Changes are sent unsigned, so that they end behind the gate, before they change anything.
    """
    with client.stream(method, _filled(path), headers={"Accept-Language": "en"}) as answer:
        status = answer.status_code
        if status in {401, 303} or status == 403:
            answer.read()
    assert status < 500 or status == 503, (method, path, status)
    if status == 303:
        return not answer.headers["location"].startswith("/sign-in?next=")
    if status == 403:
        return "This needs the permission" not in answer.text and "is for people who may" not in answer.text
    return status != 401


def _filled(path: str) -> str:
    while "{" in path:
        before, _, rest = path.partition("{")
        path = f"{before}1{rest.partition('}')[2]}"
    return path


def _table(found: Mapping[Row, str]) -> str:
    width = max(len(f"{method} {path}") for method, path in found)
    heads = [" " * width + "  " + " ".join(f"{name[:6]:6}" for name in VISITORS).rstrip()]
    rows = [
        f"{f'{method} {path}':{width}}  {' '.join(f'{letter:6}' for letter in letters)}".rstrip()
        for (method, path), letters in found.items()
    ]
    return "\n".join([*heads, *rows]) + "\n"
