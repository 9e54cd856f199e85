"""The `aldea` command: what it offers, what it says when it is used wrongly, and the register's sites."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aldea.deploy.cli.main import COMMANDS, main
from aldea.deploy.cli.tail import described
from aldea.model.clock import ClockState
from aldea.model.messages import Ack, Will, encode_ack, encode_status
from aldea.model.sample import Row
from aldea.model.wire import Header, encode
from aldea.storage.register import open_register
from aldea.storage.register.endpoint import server_url
from rigs.processes import free_port


@pytest.fixture
def register_url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'register.db'}"
    assert main(["migrate", "--register", url]) == 0
    return url


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert f"aldea {command}" in said
    assert "example" in said


def test_without_a_command_all_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)


@pytest.mark.parametrize("unbuffered", ["1", ""])
def test_who_stops_reading_what_is_printed_is_told_nothing_of_it(unbuffered: str) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run(
        [sys.executable, "-m", "aldea.deploy.cli"],
        stdout=writes,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        text=True,
        check=False,
    )
    os.close(writes)
    assert (done.returncode, done.stderr) == (141, "")


def test_an_unknown_command_is_named_and_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upp"]) == 2
    assert "'upp'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "left_for_later"),
    [
        # The agent is started once these are loaded: what is slow to load waits until it runs.
        ("aldea.deploy.cli.up", {"fastapi", "apprise", "alembic", "openpyxl", "influxdb_client"}),
        ("aldea.deploy.allinone.inside", {"alembic", "openpyxl", "influxdb_client"}),
    ],
)
def test_a_start_does_not_load_what_it_does_not_need_yet(module: str, left_for_later: set[str]) -> None:
    program = f"import sys, {module}; print(*{left_for_later!r}.intersection(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=180)
    assert done.stdout.split() == []


def test_a_site_is_added_listed_and_shown(register_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["site", "--register", register_url]
    added = main(
        [
            *base,
            "add",
            "isla-arena",
            "--name",
            "Isla Arena",
            "--timezone",
            "America/Merida",
            "--fact",
            "inegi_code=04001",
        ]
    )
    assert added == 0
    capsys.readouterr()
    assert main([*base, "list", "--json"]) == 0
    assert [site["id"] for site in json.loads(capsys.readouterr().out)] == ["isla-arena"]
    assert main([*base, "show", "isla-arena", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["facts"]["inegi_code"], shown["state"], shown["devices"][0]["id"]) == (
        "04001",
        "commissioned",
        "agent",
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["add", "Isla Arena", "--name", "x", "--timezone", "America/Merida"], "Isla Arena"),
        (["add", "isla-arena", "--name", "x", "--timezone", "America/Nowhere"], "America/Nowhere"),
        (["add", "isla-arena", "--name", "x", "--timezone", "America/Merida", "--fact", "provider"], "NAME=VALUE"),
        (["show", "nobody"], "nobody"),
    ],
)
def test_a_wrong_site_is_refused_with_a_sentence_and_nothing_is_kept(
    register_url: str, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["site", "--register", register_url, *words]) == 1
    assert sentence in capsys.readouterr().err
    main(["site", "--register", register_url, "list", "--json"])
    assert json.loads(capsys.readouterr().out) == []


def test_a_register_without_tables_names_the_command_that_makes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["site", "--register", f"sqlite:///{tmp_path / 'new.db'}", "list"]) == 1
    assert "aldea migrate" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "variable"), [("api", "ALDEA_HTTP_PORT"), ("tail", "ALDEA_MQTT_PORT")])
def test_a_port_that_is_no_number_is_refused_with_a_sentence(
    command: str, variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, "many")
    with pytest.raises(SystemExit, match="2"):
        main([command])
    assert "invalid int value: 'many'" in capsys.readouterr().err


def test_a_public_address_that_is_none_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALDEA_PUBLIC_URL", "aldea.example.org")
    with pytest.raises(SystemExit, match="2"):
        main(["api"])
    assert "expects http:// or https://, a host" in capsys.readouterr().err


def test_the_api_says_where_the_pages_are_reached(register_url: str, tmp_path: Path) -> None:
    register = open_register(register_url)
    command = [sys.executable, "-m", "aldea.deploy.cli", "api", "--register", register_url]
    command += ["--series", f"sqlite:///{tmp_path / 'series.db'}", "--port", str(free_port())]
    process = subprocess.Popen(
        [*command, "--public-url", "https://aldea.example.org/"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    deadline, found = time.monotonic() + 120, None
    while found is None and process.poll() is None and time.monotonic() < deadline:
        with register.reading() as unit:
            found = server_url(unit)
        time.sleep(0.05)
    process.terminate()
    said, _ = process.communicate(timeout=90)
    register.close()
    assert found == "https://aldea.example.org", said


def test_adding_a_site_twice_is_refused(register_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["site", "--register", register_url, "add", "yaxcaba", "--name", "Yaxcabá", "--timezone", "America/Merida"]
    assert main(words) == 0
    assert main(words) == 1
    assert "yaxcaba" in capsys.readouterr().err


def test_tail_describes_batches_status_and_acknowledgements() -> None:
    row = Row(7, 1000, "ping", (("role", "gateway"),), {"sent": 1, "received": 0, "failure": "no_reply"})
    header = Header("tekax", "agent", "0" * 16, 7, 1, "1" * 16, 1, 1000, 1000, ClockState.UNSYNCED)
    batch = described("aldea/1/tekax/agent/live", encode(header, [row]))
    assert batch["rows"][0]["fields"] == {"sent": 1, "received": 0, "failure": "no_reply"}
    will = described("aldea/1/tekax/agent/status", encode_status(Will("tekax", "agent", 3, "lost")))
    assert will["state"] == "offline (lost)"
    ack = described("aldea/1/tekax/agent/ack", encode_ack(Ack("0" * 16, 5, None, 9, stored=[(1, 9)])))
    assert ack["stored"] == [(1, 9)]


@pytest.mark.parametrize(
    ("topic", "payload", "sentence"),
    [("weather/tekax", b"21", "topic"), ("aldea/1/tekax/agent/live", b"hello", "not known")],
)
def test_tail_says_what_it_cannot_read(topic: str, payload: bytes, sentence: str) -> None:
    assert sentence in described(topic, payload)["error"]


def test_tail_says_when_no_broker_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tail", "--mqtt-port", "1"]) == 1
    assert "no broker answers at 127.0.0.1:1" in capsys.readouterr().err
