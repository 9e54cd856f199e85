"""`aldea user`: the first administrator, roles, links, tokens; and what can't be gets a sentence."""

from __future__ import annotations

import io
import json
import re
from datetime import date
from typing import TYPE_CHECKING

import pytest

from aldea.deploy.cli.main import main
from aldea.model.clock import SystemClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.audit import list_audit
from aldea.storage.register.passwords import kept_hash, person_of_link, verify
from aldea.storage.register.people import find_person, grants_of, has_administrator
from aldea.storage.register.programmes import Programme, add_programme
from aldea.storage.register.sessions import find_session, start_session
from aldea.storage.register.tokens import find_token
from registerkit import clean_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GOOD = "correct horse battery"


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    made = open_register(clean_file(tmp_path))
    with made.transaction() as unit:
        add_programme(unit, Programme("sur", "Sur", date(2024, 1, 1), None, {}))
    yield made
    made.close()


class Terminal:
    """Runs `aldea user` and keeps what it said."""

    def __init__(self, register: Register, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._url, self._patch, self._capsys = str(register), monkeypatch, capsys

    def __call__(self, *words: str, typed: str = "") -> tuple[int, str, str]:
        self._patch.setattr("sys.stdin", io.StringIO(typed))
        code = main(["user", "--register", self._url, *words])
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def user(register: Register, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(register, monkeypatch, capsys)


def now() -> int:
    return SystemClock().wall_ms()


def test_the_first_administrator_with_a_password_that_is_piped_in(user: Terminal, register: Register) -> None:
    code, out, _ = user("add", "maria", "--name", "María", "--role", "admin", typed=GOOD + "\n")
    assert (code, out) == (0, "maria is added.\n")
    with register.reading() as unit:
        assert has_administrator(unit)
        assert verify(kept_hash(unit, "maria"), GOOD).right
        assert GOOD not in str(list_audit(unit, limit=10))


def test_a_link_is_printed_once_and_works(user: Terminal, register: Register) -> None:
    _, out, _ = user("add", "beto", "--name", "Beto", "--link")
    assert "no administrator with a password yet" in out
    found = re.search(r"/set-password/([\w-]+)", out)
    assert found is not None
    with register.reading() as unit:
        assert person_of_link(unit, found[1], now()) == "beto"
        assert found[1] not in str(list_audit(unit, limit=10))


def test_a_reset_ends_sessions_and_the_old_password(user: Terminal, register: Register) -> None:
    user("add", "beto", "--name", "Beto", typed=GOOD)
    with register.transaction() as unit:
        session = start_session(unit, "beto", now())
    code, out, _ = user("reset-password", "beto", "--link")
    assert code == 0
    assert "every session has ended" in out
    with register.reading() as unit:
        assert find_session(unit, session, now()) is None
        assert kept_hash(unit, "beto") is None
    user("reset-password", "beto", typed="another good password")
    with register.reading() as unit:
        assert verify(kept_hash(unit, "beto"), "another good password").right


def test_roles_are_given_listed_and_ended(user: Terminal, register: Register) -> None:
    user("add", "beto", "--name", "Beto", "--role", "viewer", typed=GOOD)
    limits = ("--programme", "sur", "--region", "Yucatán", "--until", "2099-12-31")
    assert user("grant", "beto", "technician", *limits)[0] == 0
    _, out, _ = user("list", "--json")
    grants = json.loads(out)[0]["grants"]
    assert [(one["role"], one["programme"], one["region"]) for one in grants] == [
        ("viewer", "", ""),
        ("technician", "sur", "Yucatán"),
    ]
    assert "technician [2] (sur, Yucatán)" in user("list")[1]
    assert user("revoke", "beto", "2")[0] == 0
    assert "technician" not in user("list")[1]
    with register.reading() as unit:
        assert len(grants_of(unit, "beto")) == 2, "it is kept that it held"


def test_disabling_ends_sessions_and_enabling_lets_in_again(user: Terminal, register: Register) -> None:
    user("add", "beto", "--name", "Beto", typed=GOOD)
    with register.transaction() as unit:
        session = start_session(unit, "beto", now())
    assert user("disable", "beto")[1] == "beto is kept out.\n"
    assert "(disabled)" in user("list")[1]
    with register.reading() as unit:
        assert find_session(unit, session, now()) is None
    assert user("enable", "beto")[1] == "beto may sign in again.\n"
    with register.reading() as unit:
        person = find_person(unit, "beto")
        assert person is not None
        assert not person.disabled


def test_a_token_is_printed_alone_so_that_it_can_be_piped(user: Terminal, register: Register) -> None:
    user("add", "beto", "--name", "Beto", "--role", "viewer", typed=GOOD)
    code, out, err = user("token", "beto", "--name", "Prometheus", "--region", "Yucatán", "--days", "30")
    secret = out.strip()
    assert code == 0
    assert secret not in err
    with register.reading() as unit:
        token = find_token(unit, secret, now())
        assert token is not None
        assert (token.permissions, token.region) == (("view",), "Yucatán")
        assert secret not in str(list_audit(unit, limit=10))


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (["add", "Beto!", "--name", "B"], GOOD, "1 to 39 of a-z, 0-9 and -"),
        (["add", "direccion", "--name", "Direccion"], GOOD, "there is an account 'direccion' already"),
        (["add", "b", "--name", " "], GOOD, "1 to 120 characters"),
        (["add", "b", "--name", "B"], "short", "at least 10 characters"),
        (
            ["add", "b", "--name", "B", "--role", "admin", "--region", "Yucatán"],
            GOOD,
            "leave programme and region",
        ),
        (["add", "b", "--name", "B", "--role", "viewer", "--programme", "sure"], GOOD, "did you mean 'sur'?"),
        (
            ["add", "b", "--name", "B", "--role", "viewer", "--programme", "zzz"],
            GOOD,
            "'zzz' is not known: add it",
        ),
        (
            ["grant", "direccion", "viewer", "--region", "yucatan"],
            "",
            "--region 'yucatan' is not known: did you mean 'Yuc",
        ),
        (["grant", "direccion", "viewer", "--until", "31/12/2027"], "", "is not a day: write it as 2027-06-30"),
        (["grant", "direccion", "viewer", "--until", "9999-12-31"], "", "is not a day: write it as 2027-06-30"),
        (["grant", "direccion", "viewer", "--until", "2001-01-01"], "", "choose a later end"),
        (["grant", "nobody", "viewer"], "", "`aldea user list` shows them all"),
        (["revoke", "direccion", "99"], "", "has no grant 99: aldea user list --json"),
        (["reset-password", "nobody"], GOOD, "aldea user list shows them all"),
        (["disable", "nobody"], "", "there is no account 'nobody'"),
        (["disable", "direccion"], "", "direccion is the last administrator"),
        (["token", "nobody", "--name", "x"], "", "there is no account 'nobody'"),
        (["token", "direccion", "--name", "x", "--days", "0"], "", "choose a later day"),
        (["token", "direccion", "--name", "x", "--programme", "nope"], "", "--programme 'nope' is not known"),
    ],
)
def test_what_cannot_be_gets_a_sentence_and_changes_nothing(
    user: Terminal, register: Register, words: list[str], typed: str, said: str
) -> None:
    user("add", "direccion", "--name", "Direccion", "--role", "admin", typed=GOOD)
    with register.reading() as unit:
        before = list_audit(unit, limit=50)
    code, _, err = user(*words, typed=typed)
    assert code == 1
    assert said in err
    with register.reading() as unit:
        assert list_audit(unit, limit=50) == before
