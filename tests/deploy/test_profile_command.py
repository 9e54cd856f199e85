"""`aldea profile`: from a file to devices, with a look before anything is changed or sent."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING

import pytest

from aldea.deploy.cli.main import main
from aldea.model.clock import SystemClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.audit import list_audit
from aldea.storage.register.commands import commands_of, note_answer
from aldea.storage.register.devices import Device
from aldea.storage.register.profiles import find_profile
from aldea.storage.register.sites import Site, SiteEntry, add_sites
from registerkit import clean_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    made = open_register(clean_file(tmp_path))
    now = SystemClock().wall_ms() - 1000
    with made.transaction() as unit:
        for name in ("arroyo", "monte"):
            place = Site(name, name.title(), "America/Merida", now)
            add_sites(unit, [SiteEntry(place, now, devices=(Device(name, "agent", "agent", now),))])
    yield made
    made.close()


class Terminal:
    """Runs `aldea profile` and keeps what it said."""

    def __init__(self, register: Register, capsys: pytest.CaptureFixture[str]) -> None:
        self._url, self._capsys = str(register), capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        code = main(["profile", "--register", self._url, *words])
        said = self._capsys.readouterr()
        return code, said.out, said.err


@pytest.fixture
def terminal(register: Register, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(register, capsys)


def test_a_profile_goes_from_a_file_to_the_devices(terminal: Terminal, register: Register, tmp_path: Path) -> None:
    file = tmp_path / "slow.toml"
    file.write_text("[agent]\nsample_seconds = 250\n[agent.ping]\npackets = 5\n")
    assert terminal("set", "slow", "--file", str(file), "--dry-run")[1] == "would change ping.packets, sample_seconds\n"
    with register.reading() as unit:
        assert find_profile(unit, "slow") is None
    assert "revision 1" in terminal("set", "slow", "--name", "Slow", "--file", str(file))[1]
    assert "nothing would change" in terminal("set", "slow", "--file", str(file), "--dry-run")[1]
    file.write_text("sample_seconds = 200\n")
    assert "revision 2" in terminal("set", "slow", "--file", str(file))[1]
    assert "2 sites have slow now" in terminal("assign", "slow", "arroyo", "monte")[1]
    look = terminal("send", "slow", "--dry-run")[1]
    assert "monte/agent: " in look
    assert "2 of 2 devices would change" in look
    with register.reading() as unit:
        assert commands_of(unit, "monte") == ()
    assert "1 of 1 devices were sent their settings" in terminal("send", "slow", "--site", "monte")[1]
    assert "1 of 2 devices were sent their settings" in terminal("send", "slow")[1]
    assert "0 of 2 devices" in terminal("send", "slow")[1]
    with register.transaction() as unit:
        sent = commands_of(unit, "monte")[0]
        assert sent.payload["document"]["sample_seconds"] == 200
        note_answer(unit, "monte", "agent", sent.id, "rolled_back", {}, SystemClock().wall_ms())
        assert {"profile_added", "profile_changed", "profile_assigned", "settings_sent"} <= {
            deed.action for deed in list_audit(unit)
        }
    assert "0 of 2 devices" in terminal("send", "slow")[1]
    again = json.loads(terminal("send", "slow", "--again", "--json")[1])
    assert [(item["site"], item["standing"]) for item in again] == [("monte", "rolled_back")]
    assert "monte/agent: under_way" in terminal("show", "slow")[1]
    assert "1 sites have no profile now" in terminal("assign", "-", "monte")[1]


def test_what_is_shown_can_be_set_again(terminal: Terminal, tmp_path: Path) -> None:
    listed = {item["id"]: item for item in json.loads(terminal("list", "--json")[1])}
    shown = terminal("show", "frugal")[1]
    assert tomllib.loads(shown) == listed["frugal"]["document"]
    assert "frugal" in terminal("list")[1]
    file = tmp_path / "again.toml"
    file.write_text(shown)
    assert "nothing would change" in terminal("set", "frugal", "--file", str(file), "--dry-run")[1]
    assert json.loads(terminal("show", "frugal", "--json")[1])["devices"] == []


def test_what_cannot_be_gets_a_sentence(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    assert "cannot be read" in terminal("set", "bad", "--file", str(file))[2]
    file.write_text("sample_seconds = ")
    assert "is not TOML" in terminal("set", "bad", "--file", str(file))[2]
    file.write_text('sample_second = 3\nsite = "other"\n')
    code, _, said = terminal("set", "bad", "--file", str(file))
    assert code == 1
    assert "did you mean sample_seconds?" in said
    assert "site cannot be set from afar" in said
    assert "there is no profile 'none'" in terminal("show", "none")[2]
    assert "not registered" in terminal("assign", "frugal", "nowhere")[2]
    assert "has no device with the profile" in terminal("send", "frugal", "--site", "arroyo")[2]


def test_boxes_are_led_to_another_broker_only_when_that_is_confirmed(
    terminal: Terminal, register: Register, tmp_path: Path
) -> None:
    file = tmp_path / "moved.toml"
    file.write_text('[broker]\nhost = "elsewhere.example"\n')
    assert terminal("set", "moved", "--file", str(file))[0] == 0
    assert terminal("assign", "moved", "arroyo")[0] == 0
    code, _, wrong = terminal("send", "moved")
    assert code != 0
    assert '1 boxes would send elsewhere: arroyo/agent (broker.host = "elsewhere.example")' in wrong
    with register.reading() as unit:
        assert commands_of(unit, "arroyo") == ()
    assert terminal("send", "moved", "--dry-run")[0] == 0
    assert "1 of 1 devices were sent their settings" in terminal("send", "moved", "--leads")[1]
    with register.reading() as unit:
        assert [entry.subject for entry in list_audit(unit) if entry.action == "boxes_led"] == [
            'broker.host = "elsewhere.example"'
        ]


def test_what_is_wrong_with_a_file_is_said_in_the_terminals_language(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('site = "arroyo"\nsample_seconds = 0.5\n')
    for language, words in (
        ("es_MX.UTF-8", ("no puede ser un perfil", "no se puede ajustar a distancia", "se espera al menos 1")),
        ("C.UTF-8", ("cannot be a profile", "cannot be set from afar", "expects at least 1")),
    ):
        monkeypatch.setenv("LC_ALL", language)
        code, _, said = terminal("set", "wrong", "--file", str(file))
        assert code != 0
        assert [word for word in words if word not in said] == []
