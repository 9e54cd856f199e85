"""The compose file names commands, variables and files that exist; it can't be run here without its engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from aldea.deploy.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "deploy/compose"
TEXT = (COMPOSE / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load(TEXT)["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "aldea:local"}


def test_the_three_parts_and_their_servers_are_there() -> None:
    assert set(SERVICES) >= {"postgres", "influxdb", "mosquitto", "collector", "alerts", "api"}


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_ours_with_options_it_knows(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = OURS[name]["command"]
    if OURS[name].get("entrypoint"):
        words = re.sub(r"\$\$\w+", "broker.example.org", words[0]).strip('"').split(" && ")[0].split()[1:]
        words = [word.strip('"') for word in words]
    assert words[0] in COMMANDS
    # --help comes last: argparse reads everything before it, and stops there.
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--help"])
    said = capsys.readouterr()
    assert stopped.value.code == 0, said.err
    # What it does not know it would only complain of after the help.
    assert [word for word in words if word.startswith("--") and word not in said.out] == []


def test_every_variable_is_one_that_aldea_reads() -> None:
    settings = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    used = set(re.findall(r"\b(ALDEA_[A-Z_]+):", TEXT)) - {"ALDEA_BROKER_NAME"}
    assert used
    assert {name for name in used if f"`{name}`" not in settings} == set()


def test_every_variable_that_must_be_set_is_in_the_example() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?", TEXT))
    given = {line.split("=")[0] for line in (COMPOSE / "env.example").read_text().splitlines() if "=" in line}
    assert needed == given


def test_every_volume_and_dependency_is_declared() -> None:
    declared = set(yaml.safe_load(TEXT)["volumes"])
    for name, service in SERVICES.items():
        mounted = {mount.split(":")[0] for mount in service.get("volumes", [])}
        assert mounted <= declared, name
        assert set(service.get("depends_on", {})) <= set(SERVICES), name


def test_no_secret_has_a_default_and_only_two_ports_are_open() -> None:
    assert not re.search(r"(PASSWORD|TOKEN)[^\n]*:-", TEXT)
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert sorted(ports) == ["127.0.0.1:8000:8000", "8883:8883"]


def test_the_image_is_built_from_files_that_are_there() -> None:
    build = OURS["api"]["build"]
    assert (COMPOSE / build["context"] / build["dockerfile"]).resolve() == (COMPOSE / "Dockerfile").resolve()
