"""The systemd units: systemd takes them, and the commands in them are ones that this version has."""

from __future__ import annotations

import argparse
import configparser
import importlib
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from aldea.deploy.cli.main import COMMANDS

UNITS = Path(__file__).parents[2] / "deploy/systemd"
ALL = sorted(path.name for path in UNITS.iterdir() if path.suffix in {".service", ".timer", ".path"})
PROGRAM = "/opt/aldea/bin/aldea"


def commands(unit: str) -> list[list[str]]:
    """Return what a unit has of ours to run."""
    lines = (UNITS / unit).read_text(encoding="utf-8").splitlines()
    started = [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]
    return [shlex.split(line)[1:] for line in started if line.startswith(PROGRAM)]


OURS = [(unit, words) for unit in ALL for words in commands(unit)]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    program = tmp_path / "aldea"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in ALL:
        (tmp_path / unit).write_text((UNITS / unit).read_text(encoding="utf-8").replace(PROGRAM, str(program)))
    found = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit) for unit in ALL)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in found.stderr.splitlines() if "aldea" in line]
    assert ours == []
    assert found.returncode == 0, found.stderr


@pytest.mark.parametrize(("unit", "words"), OURS, ids=[" ".join(words[:2]) for _, words in OURS])
def test_the_command_of_a_unit_is_one_that_there_is(unit: str, words: list[str]) -> None:
    assert words[0] in COMMANDS, unit
    module = importlib.import_module(f"aldea.deploy.cli.{words[0].replace('-', '_')}")
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)

    # argparse ends the program where it does not understand, which fails this test.
    parser.parse_args(words[1:])


def test_each_part_of_aldea_has_a_unit() -> None:
    assert {words[0] for _, words in OURS} == {"collector", "alerts", "api", "backup", "broker"}


def test_what_a_unit_starts_or_names_is_there() -> None:
    for unit in ALL:
        read = configparser.RawConfigParser(strict=False, interpolation=None)
        read.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their capitals
        read.read(UNITS / unit)
        for section in ("Path", "Timer"):
            named = read.get(section, "Unit", fallback=None) if read.has_section(section) else None
            assert named is None or named in ALL, unit


def test_the_path_unit_watches_what_the_access_unit_writes() -> None:
    text = (UNITS / "aldea-broker-reload.path").read_text(encoding="utf-8")
    folder = commands("aldea-broker-access.service")[0][3]
    for name in ("passwords", "acl"):
        assert f"PathChanged={folder}/{name}\n" in text
    assert f"ReadWritePaths={folder}\n" in (UNITS / "aldea-broker-access.service").read_text(encoding="utf-8")
