"""`aldea contact`: what a person at the terminal meets."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from aldea.deploy.cli.main import main
from aldea.storage.register import open_register
from aldea.storage.register.contacts import find_contact
from aldea.storage.register.people import add_person


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    found = f"sqlite:///{tmp_path / 'register.db'}"
    register = open_register(found)
    register.migrate()
    with register.transaction() as unit:
        add_person(unit, "tecnica", "Tecnica", 1)
    register.close()
    monkeypatch.setenv("ALDEA_REGISTER_URL", found)
    return found


def test_a_contact_point_is_added_and_listed_without_its_secrets(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["contact", "list"]) == 0
    assert "Nobody can be reached yet" in capsys.readouterr().out
    assert main(["contact", "add", "tecnica", "email", "address=tecnica@example.org", "--quiet", "22:00-06:30"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("sesame-token\n"))
    assert main(["contact", "add", "tecnica", "webhook", "url=https://example.org/secret", "token=-"]) == 0
    capsys.readouterr()
    assert main(["contact", "list", "--json"]) == 0
    told = capsys.readouterr().out
    assert [(row["kind"], row["shown"]) for row in json.loads(told)] == [
        ("email", "tecnica@example.org"),
        ("webhook", "https://example.org/…"),
    ]
    assert "sesame" not in told
    register = open_register(url)
    with register.reading() as unit:
        point = find_contact(unit, 2)
    register.close()
    assert point is not None
    assert point.fields["token"] == "sesame-token"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["add", "tecnica", "email", "address=tecnica"], "address: This is not an e-mail address."),
        (["add", "tecnica", "email", "tecnica@example.org"], "is not NAME=VALUE"),
        (["add", "nobody", "email", "address=a@example.org"], "add the person first"),
        (["add", "tecnica", "email", "address=a@example.org", "--quiet", "25:00-06:00"], "two times of day"),
        (["test", "7"], "there is no contact point 7"),
    ],
)
def test_what_cannot_be_gets_a_sentence(
    url: str, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["contact", *words]) == 1
    assert sentence in capsys.readouterr().err


def test_a_test_says_when_nobody_sends(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["contact", "add", "tecnica", "email", "address=tecnica@example.org"])
    assert main(["contact", "test", "1", "--wait", "0.2"]) == 1
    assert "is aldea up, or aldea alerts, running?" in capsys.readouterr().err
