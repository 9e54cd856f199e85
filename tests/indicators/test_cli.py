"""`aldea indicators` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aldea.deploy.cli.main import main
from aldea.storage.register import Register
from indicators.filled import register_site


def test_the_command_lists_computes_and_shows(
    register: Register, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    register_site(register, "norte")
    place = ["indicators", "--register", f"sqlite:///{tmp_path / 'register.db'}"]
    assert main([*place, "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 8
    assert main([*place, "compute", "--period", "202506"]) == 0
    assert "202506 (closed): " in capsys.readouterr().out
    assert main([*place, "show", "acc_availability_total_pct", "--json"]) == 0
    (value,) = json.loads(capsys.readouterr().out)
    assert (value["status"], value["sites_expected"]) == ("O", 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "nope"], "aldea indicators list shows them all"),
        (["compute", "--period", "2025-06"], "write a month as 202506"),
        (["show", "use_active_days_pct", "--area", "village"], "use all, state, municipality or site"),
    ],
)
def test_what_cannot_be_gets_a_sentence(
    register: Register, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["indicators", "--register", f"sqlite:///{tmp_path / 'register.db'}", *words]) == 1
    assert sentence in capsys.readouterr().err
