"""`aldea device test|diagnostics|commands|cancel`: what a person at the terminal meets."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from aldea.deploy.cli.main import main
from aldea.storage.register import open_register
from aldea.storage.register.audit import list_audit
from aldea.storage.register.commands import commands_of, note_answer
from collectorkit.desk import make_register


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    register = make_register(tmp_path, "isla-arena")
    found = f"{register}"
    register.close()
    monkeypatch.setenv("ALDEA_REGISTER_URL", found)
    return found


def test_a_test_is_asked_for_listed_and_cancelled(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["device", "test", "isla-arena", "ping", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["kind"], made["payload"], made["state"]) == ("test", {"probe": "ping"}, "waiting")
    assert main(["device", "commands", "isla-arena"]) == 0
    assert made["id"] in capsys.readouterr().out
    assert main(["device", "cancel", "isla-arena", made["id"]]) == 0
    assert "cancelled" in capsys.readouterr().out
    assert main(["device", "commands", "isla-arena", "--json"]) == 0
    assert [one["state"] for one in json.loads(capsys.readouterr().out)] == ["cancelled"]
    register = open_register(url)
    with register.reading() as unit:
        assert [entry.action for entry in list_audit(unit)] == ["command_cancelled", "command_asked"]
    register.close()


def test_waiting_shows_the_answer(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    register = open_register(url)

    def answer() -> None:
        for _ in range(200):
            with register.transaction() as unit:
                for one in commands_of(unit, "isla-arena"):
                    detail = {"versions": {"agent": "9.9"}}
                    note_answer(unit, "isla-arena", "agent", one.id, "done", detail, one.created_ms)
                    return
            threading.Event().wait(0.02)

    box = threading.Thread(target=answer)
    box.start()
    assert main(["device", "diagnostics", "isla-arena", "--wait", "10"]) == 0
    box.join()
    register.close()
    assert '"agent": "9.9"' in capsys.readouterr().out
    assert main(["device", "diagnostics", "isla-arena", "--wait", "0.01"]) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["test", "nowhere", "ping"], "say which device of site 'nowhere'"),
        (["diagnostics", "isla-arena", "--device", "other"], "there are: agent"),
        (["cancel", "isla-arena", "none"], "has no command 'none'"),
        (["commands", "nowhere"], "aldea site list"),
    ],
)
@pytest.mark.usefixtures("url")
def test_what_is_wrong_is_said(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["device", *words]) == 1
    assert sentence in capsys.readouterr().err
