"""Rules files: what ships is right, and what is wrong is told at once, in sentences that say how to mend it."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from aldea.alert_rules.kinds import KINDS
from aldea.alert_rules.kinds.site_silent import SiteSilent
from aldea.alert_rules.loading import RULE_KEYS, RulesError, load_rules
from aldea.alert_rules.ruleset import EngineSettings
from aldea.alert_rules.shipped import rules_of
from aldea.deploy.cli import main

BAD = sorted((Path(__file__).parent / "data/bad").glob("*.yaml"))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_told_every_mistake(path: Path) -> None:
    with pytest.raises(RulesError) as caught:
        load_rules([(path.name, path.read_text(encoding="utf-8"))])
    expected = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert "".join(f"{sentence}\n" for sentence in caught.value.errors) == expected


def test_there_are_bad_files() -> None:
    assert len(BAD) >= 10


def test_the_shipped_rules_are_one_of_each_kind_with_the_kinds_own_defaults() -> None:
    rules = rules_of().rules
    assert {rule.kind_name for rule in rules} == set(KINDS)
    assert all(rule.kind == KINDS[rule.kind_name]() for rule in rules)


def test_a_file_adds_rules_and_replaces_those_of_the_same_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "version: 1\nengine: {grace_seconds: 30}\nrules:\n"
        "  - {name: site_silent, kind: site_silent, hold_seconds: 1800}\n"
        "  - {name: clinics, kind: site_silent, notify: false, where: {site_kind: [clinic, hospital]}}\n",
        encoding="utf-8",
    )
    found = rules_of(path)
    assert [rule.name for rule in found.rules] == ["site_silent", "sustained_loss", "clinics"]
    silent = found.rules[0].kind
    assert isinstance(silent, SiteSilent)
    assert silent.hold_seconds == 1800
    assert found.engine.grace_seconds == 30
    assert found.rules[2].applies_to({"site_kind": "clinic"})
    assert not found.rules[2].applies_to({"site_kind": "school"})
    assert not found.rules[2].applies_to({})


def test_the_command_checks_and_lists(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", BAD[0]
    good.write_text("version: 1\nrules:\n  - {name: quick, kind: site_silent, hold_seconds: 60}\n", encoding="utf-8")
    assert main(["rules", "check", str(good)]) == 0
    assert main(["rules", "check", str(bad)]) == 1
    assert "write hold_seconds (15m is 900)" in capsys.readouterr().err
    assert main(["rules", "check", str(bad), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["errors"]) == 2
    assert main(["rules", "check", str(tmp_path / "absent.yaml")]) == 1
    assert "can't be read" in capsys.readouterr().err
    assert main(["rules", "list", "--file", str(good), "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert listed["quick"]["hold_seconds"] == 60
    assert listed["site_silent"]["hold_seconds"] == 900


def test_every_key_and_kind_is_on_the_page() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs/alerts.md").read_text(encoding="utf-8")
    keys = [item.name for cls in (*KINDS.values(), EngineSettings) for item in fields(cls)]
    assert [key for key in (*RULE_KEYS, *keys) if f"`{key}`" not in page] == []
    assert [kind for kind in KINDS if f"### `{kind}`" not in page] == []
