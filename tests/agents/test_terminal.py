"""What a technician types at a site is answered in the terminal's language: help, mistakes, results."""

from __future__ import annotations

import os
import re
from gettext import gettext
from typing import TYPE_CHECKING

import pytest

from aldea.agents.__main__ import main as agent
from aldea.agents.lock import FolderLock
from aldea.agents.terminal import language_wanted
from aldea.deploy.cli.main import main as aldea

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("", "run", "enrol", "probe", "doctor", "pin", "take-over")
ANOTHER = "1234567"


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A terminal in Spanish that is as wide as it must be, in an empty folder."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANGUAGE", "ALDEA_SITE", "ALDEA_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "es_MX.UTF-8")
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.chdir(tmp_path)


def said_by(main: object, words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit code of a command and all that it said."""
    assert callable(main)
    try:
        code = main(words)
    except SystemExit as stopped:
        code = stopped.code
    out, err = capsys.readouterr()
    return code, out + err


def help_lines(main: object, words: list[str], capsys: pytest.CaptureFixture[str]) -> set[str]:
    code, said = said_by(main, [*words, "--help"], capsys)
    assert code == 0
    return {line.strip() for line in said.splitlines() if re.search(r"\w", line)}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_line_of_a_command_s_help_is_left_in_english(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["agent", *([command] if command else [])]
    spanish = help_lines(aldea, words, capsys)
    english = help_lines(aldea, [*words, "--lang", "en"] if command else ["agent", "--lang", "en"], capsys)
    # Names and examples of commands alone are the same in both.
    sentences = [line for line in spanish & english if re.search(r"[a-z]{2,} [a-z]{2,}", line)]
    assert [line for line in sentences if not line.startswith("aldea agent ")] == []
    assert len(spanish) == len(english)
    assert any("uso: " in line for line in spanish)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("", "run", "probe")])
def test_the_agent_without_the_aldea_command_says_the_same(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    def options(lines: set[str]) -> set[str]:
        return {line for line in lines if line.startswith("-")}

    alone = options(help_lines(agent, [command], capsys))
    assert alone == options(help_lines(aldea, ["agent", command], capsys))
    assert len(alone) > 2


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["agent"], 2, "faltan estos argumentos: run|enrol|probe|doctor|pin|take-over"),
        (["agent", "run", "--site"], 2, "argumento --site: falta su valor"),
        (["agent", "probe", "pong"], 2, "'pong' no es válido"),
        (["agent", "pin", "--nonsense"], 2, "argumentos desconocidos: --nonsense"),
        (["agent", "pin", "--choose", "--hash"], 2, "argumento --hash: no se admite junto con --choose"),
        (
            ["agent", "pin"],
            2,
            "agent.site falta y no tiene valor de fábrica; hay que ponerlo (o la variable ALDEA_SITE)",
        ),
        (["agent", "run", "--site", "Mal"], 2, "la variable ALDEA_SITE es 'Mal'; se espera"),
        (["agent", "run", "--config", "none.toml"], 2, "none.toml no se puede leer"),
        (["agent", "take-over", "old", "--site", "isla"], 1, "data no existe: deje que el agente arranque una vez"),
        (["agent", "enrol", "--server", "ftp://here", "--code", "K7QM-3XPT"], 1, "ftp://here no es una dirección"),
        (["agent", "probe", "snmp", "--site", "isla"], 0, "snmp: aquí no hay nada que medir"),
        (["upp"], 2, "no hay ninguna orden 'upp'"),
    ],
)
def test_what_is_wrong_is_said_in_spanish(
    words: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, said = said_by(aldea, words, capsys)
    assert sentence in said
    assert ended == code


def test_a_pin_is_told_in_the_language_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    made = ["agent", "pin", "--site", "isla", "--data", str(tmp_path)]
    told = said_by(aldea, made, capsys)
    assert re.fullmatch(r"El PIN es \d{6}\. No se vuelve a mostrar\. Quien ya .* La página está apagada.*\n", told[1])
    english = said_by(aldea, [*made, "--lang", "en"], capsys)[1]
    assert re.fullmatch(r"The PIN is \d{6}\. It is not shown again\. Whoever .* The page is off.*\n", english)
    assert said_by(aldea, ["agent", "--lang", "en", *made[1:]], capsys)[1].startswith("The PIN is")
    assert said_by(agent, made[1:], capsys)[1].startswith("El PIN es")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("12", "un PIN tiene de 4 a 8 dígitos"), ("1234", "ese es de los primeros PIN"), (ANOTHER, "ese es de los")],
)
def test_a_pin_that_cannot_be_is_refused_in_spanish(
    typed: str,
    sentence: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    given = tmp_path / "given"
    given.write_text(f"{typed}\n")
    with given.open() as file:
        monkeypatch.setattr("sys.stdin", file)
        code, said = said_by(aldea, ["agent", "pin", "--choose", "--site", "isla", "--data", str(tmp_path)], capsys)
    assert (code, sentence in said, "nada cambió" in said) == (1, True, True)
    assert not (tmp_path / "page.pin").exists()


def test_an_agent_that_runs_already_is_told_of_in_spanish(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    code, said = said_by(aldea, ["agent", "run", "--site", "isla", "--data", str(tmp_path)], capsys)
    lock.release()
    assert code == 1
    assert f"otro agent (proceso {os.getpid()}) ya usa {tmp_path}" in said


@pytest.mark.parametrize(
    ("words", "environ", "language"),
    [
        ([], {}, "en"),
        ([], {"LANG": "es_MX.UTF-8"}, "es"),
        ([], {"LANG": "es_MX.UTF-8", "LC_MESSAGES": "C"}, "en"),
        ([], {"LANG": "en_GB.UTF-8", "LC_ALL": "es"}, "es"),
        ([], {"LANG": "de_DE.UTF-8"}, "en"),
        (["doctor", "--lang", "es"], {"LC_ALL": "C"}, "es"),
        (["--lang=en"], {"LANG": "es_ES"}, "en"),
        (["--lang"], {"LANG": "es_ES"}, "es"),
        (["--language", "en"], {"LANG": "es_ES"}, "es"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_locale_s(
    words: list[str], environ: dict[str, str], language: str
) -> None:
    assert language_wanted(words, environ) == language


def test_a_command_that_was_read_leaves_the_program_s_own_texts_alone(capsys: pytest.CaptureFixture[str]) -> None:
    help_lines(aldea, ["agent", "doctor"], capsys)
    assert "LANGUAGE" not in os.environ
    assert gettext("show this help message and exit") == "show this help message and exit"


def test_the_commands_of_the_server_are_listed_and_explained_in_spanish(capsys: pytest.CaptureFixture[str]) -> None:
    assert "restaurar una copia de seguridad" in said_by(aldea, [], capsys)[1]
    said = said_by(aldea, ["backup", "--help"], capsys)[1]
    assert "uso: " in said
    assert "copiar todo en un archivo" in said
    assert "copy everything into one file" in said_by(aldea, ["backup", "--help", "--lang", "en"], capsys)[1]
