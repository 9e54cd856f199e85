"""Every command of the server speaks both languages: its help, its mistakes, and what it tells."""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from aldea.agents.page_settings import LANGUAGES
from aldea.dashboard_api.web.catalogues import texts
from aldea.deploy import box_catalogues, cli
from aldea.deploy.cli.main import COMMANDS, main
from aldea.deploy.server_catalogues import SHELF, collected
from aldea.deploy.words import LOCALES
from rigs.catalogues import check_template, check_translated, check_values

SERVER_COMMANDS = [name for name in COMMANDS if name != "agent"]
VALUES = re.compile(r"%\(\w+\)\S|%%|\{\w+\}")
MODULES = sorted(
    path for path in Path(cli.__file__).parent.glob("*.py") if path.name not in {"agent.py", "__main__.py"}
)
ENGLISH = re.compile(r"(?<![-\w])(?:the|of|and|is|are|to|with|for|what|default)\b")
MARKS = {"_", "N_", "said", "say"}


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A terminal in Spanish that is as wide as it must be, in an empty folder."""
    for name in [name for name in os.environ if name.startswith("ALDEA_") or name in ("LC_ALL", "LC_MESSAGES")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LANG", "es_MX.UTF-8")
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.chdir(tmp_path)


def test_the_template_catalogue_is_up_to_date() -> None:
    check_template(SHELF, collected(), "python -m aldea.deploy.server_catalogues")


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_translated_and_compiled(code: str) -> None:
    check_translated(SHELF, code)


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_translation_keeps_the_values_of_its_text(code: str) -> None:
    check_values(SHELF, code, VALUES)


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_the_box_says_too_is_said_in_its_words(code: str) -> None:
    of_the_box = {message.id: message.string for message in texts(box_catalogues.SHELF.read(code))}
    shared = [message for message in texts(SHELF.read(code)) if message.id in of_the_box]
    assert len(shared) > 40
    assert [message.id for message in shared if message.string != of_the_box[message.id]] == []


def said_by(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Return the exit code of a command and all that it said."""
    try:
        code = main(words)
    except SystemExit as stopped:
        code = stopped.code if isinstance(stopped.code, int) else 1
    out, err = capsys.readouterr()
    return code, out + err


def actions_below(parser: argparse.ArgumentParser, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from actions_below(below, (*words, name))


def all_actions(command: str) -> list[tuple[str, ...]]:
    """Return a command and every action of it, as they are typed."""
    parser = argparse.ArgumentParser()
    importlib.import_module(f"aldea.deploy.cli.{command.replace('-', '_')}").add_arguments(parser)
    return list(actions_below(parser, (command,)))


def help_lines(words: tuple[str, ...], language: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    code, said = said_by([*words, "--help", "--lang", language], capsys)
    assert code == 0, said
    return [line.strip() for line in said.splitlines() if re.search(r"\w", line)]


@pytest.mark.parametrize("command", SERVER_COMMANDS)
def test_no_line_of_a_command_s_help_is_left_in_english(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in all_actions(command):
        spanish, english = (help_lines(words, code, capsys) for code in ("es", "en"))
        assert len(spanish) == len(english), words
        assert any("uso: " in line for line in spanish), words
        # Names, and the examples that need no word, are the same in both.
        same = [line for line in set(spanish) & set(english) if re.search(r"[a-z]{2,} [a-z]{2,}", line)]
        assert [line for line in same if not re.search(r"\baldea [a-z]", line)] == [], words
        assert ENGLISH.findall(" ".join(line for line in spanish if line not in same)) == [], words


def literals_said(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the words that a command prints, refuses with or helps with, and that no mark says are translated."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        told = [keyword.value for keyword in call.keywords if keyword.arg in ("help", "description", "epilog")]
        if name in {"print", "tell", "CommandError", "ArgumentTypeError", "input", "getpass"}:
            told += call.args
        for argument in told:
            yield from unmarked(argument)


def unmarked(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in MARKS or name in {"dumps", "strftime", "get", "getattr", "joined", "partition"}:
            return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"[A-Za-z]{3,}", node.value):
        yield node.lineno, node.value
    # A key is no word for anybody.
    named = {id(item) for item in (*getattr(node, "keys", ()), getattr(node, "slice", None))}
    for below in (item for item in ast.iter_child_nodes(node) if id(item) not in named):
        yield from unmarked(below)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_command_tells_words_that_no_catalogue_has(path: Path) -> None:
    assert list(literals_said(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_every_marked_text_is_found_for_the_catalogue() -> None:
    known = {message.id for message in texts(collected())}
    for path in (path for path in Path(LOCALES).parent.rglob("*.py") if path.name != "agent.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MARKS):
                continue
            # A value within the text would be sought in the catalogue with it; a mark within an f-string is not seen.
            assert not any(isinstance(text, ast.JoinedStr) for text in call.args), f"{path}, line {call.lineno}"
            for text in (text for text in call.args if isinstance(text, ast.Constant)):
                assert text.value in known, f"{path}, line {call.lineno}"


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["broker"], 2, "faltan estos argumentos: config|certificates|sync|publisher|list|revoke"),
        (["broker", "sync", "--out", "x", "--signal", "me"], 2, "'me' no es un proceso: dar su número"),
        (["api", "--port", "many"], 2, "argumento --port: valor no válido para int: 'many'"),
        (["api", "--public-url", "aldea"], 2, "'aldea' no es donde se llega a las páginas; se espera http://"),
        (["api", "--key", "key.pem"], 1, "--certificate y --key van juntos: dar los dos o ninguno"),
        (["backup", "--keep", "0"], 1, "--keep es menor que 1"),
        (["backup"], 1, "no hay ningún registro en "),
        (["restore", "none.tar.gz", "--check"], 1, "no existe el archivo none.tar.gz"),
        (["migrate", "--register", "mysql://here"], 1, "la URL del registro empieza con 'mysql': usar sqlite:///"),
        (["migrate", "--register", "sqlite:////dev/null/r.db"], 1, "/dev/null/r.db no se puede crear o abrir"),
        (["upp", "--lang", "en"], 2, "there is no command 'upp'"),
        (["--lang", "en", "upp"], 2, "there is no command 'upp'"),
        (["--lang=en", "restore"], 2, "the following arguments are required: file"),
        (["--lang", "en"], 0, "usage: aldea COMMAND [options]"),
        (["site", "list"], 1, "tiene tablas de la versión ninguna y este programa necesita"),
        (["collector", "--config", "none.toml"], 2, "none.toml no se puede leer"),
        (["rules", "check", "none.yaml"], 1, "none.yaml: no se puede leer"),
        (["import", "csv", "attendance"], 1, "no se nombró ningún archivo: dar un archivo CSV"),
        (["tail", "--mqtt-port", "1"], 1, "ningún broker responde en 127.0.0.1:1"),
        (["tail", "--site", "Isla Arena"], 2, "'Isla Arena' no es la clave de un sitio"),
        (["simulate", "fleet", "--data", "x", "--days", "0"], 2, "0 no es un número de días"),
        (["up", "--config", "none.toml"], 2, "none.toml no se puede leer"),
    ],
)
def test_what_is_wrong_is_said_in_spanish(
    words: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, said = said_by(words, capsys)
    assert sentence in said
    assert ended == code


def test_what_is_wrong_with_a_file_of_rules_is_said_in_the_language_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("version: 1\nrules:\n  - name: loss\n    kind: sustained_loss\n    hold_seconds: 5m\n")
    words = ["rules", "check", str(file)]
    assert said_by(words, capsys) == (
        1,
        f"{file}: regla 'loss': hold_seconds: es '5m'; se espera un número entero (5m es 300)\n",
    )
    assert said_by([*words, "--lang", "en"], capsys) == (
        1,
        f"{file}: rule 'loss': hold_seconds: is '5m'; expects a whole number (5m is 300)\n",
    )


def test_what_is_wrong_with_the_settings_of_the_server_is_said_in_spanish(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "aldea.toml"
    file.write_text(
        '[[collector.foreign]]\ntopic = "tele/{site}/x"\ndecoder = "json"\nfields = [""]\n'
        '[alerts]\ntime_zone = "Nowhere"\n[alerts.mail]\nsender = "nobody"\n[up]\nhttp_host = "here"\nmqtt_port = 0\n'
    )
    code, said = said_by(["up", "--config", str(file)], capsys)
    assert code == 2
    assert all(line.startswith("aldea up: ") for line in said.splitlines())
    assert "up.http_host es 'here'; se espera una dirección de este equipo" in said
    assert "up.mqtt_port es 0; se espera al menos 1" in said
    assert "alerts.mail.sender es 'nobody'; se espera una dirección como aldea@example.org" in said
    assert "collector.foreign[0] no se puede usar: decir device de una sola manera" in said
    assert ENGLISH.findall(said) == []


def test_what_came_of_a_command_is_told_in_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert said_by(["migrate"], capsys)[1].endswith("tiene las tablas de esta versión.\n")
    assert said_by(["migrate", "--lang", "en"], capsys)[1].endswith("has this version's tables.\n")
    assert "la URL del almacén de series empieza con 'redis'" in said_by(["api", "--series", "redis://a"], capsys)[1]
    words = ["broker", "publisher", "weather", "--topic", "weather/#"]
    told = said_by(words, capsys)[1]
    assert re.fullmatch(r"usuario weather\ncontraseña \S+\nSe muestra solo esta vez; repetir la orden .*\n", told)
    assert said_by(["broker", "revoke", "weather"], capsys)[1] == "weather ya no puede conectarse.\n"


@pytest.mark.parametrize("command", [["api"], ["start-for-real", "--yes"]], ids=lambda words: words[0])
def test_a_series_file_that_is_none_is_refused_with_a_sentence(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "series.db"
    damaged.write_text("no database")
    said_by(["migrate"], capsys)
    code, said = said_by([*command, "--series", f"sqlite:///{damaged}"], capsys)
    assert (code, f"el almacén de series {damaged} no funciona por ahora" in said) == (1, True)


def test_a_backup_that_has_no_place_is_refused_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    said_by(["migrate"], capsys)
    code, said = said_by(["backup", "--to", "/dev/null/backups"], capsys)
    assert (code, "la copia no se puede escribir en /dev/null/backups" in said) == (1, True)


def test_what_a_program_reads_is_the_same_in_both(capsys: pytest.CaptureFixture[str]) -> None:
    said_by(["migrate"], capsys)
    for words in (["site", "list", "--json"], ["rules", "list", "--json"], ["user", "list", "--json"]):
        assert said_by(words, capsys) == said_by([*words, "--lang", "en"], capsys)
