"""The collector's settings: every mistake at once, and the example says what is true."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from aldea.collector.foreign.settings import ForeignSource
from aldea.collector.settings import CollectorSettings, read_settings
from aldea.model.settings import SettingsError, load_settings

EXAMPLE = Path(__file__).resolve().parents[2] / "collector/aldea/collector/collector.example.toml"


def test_the_example_states_the_defaults() -> None:
    table = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert load_settings(CollectorSettings, table["collector"], {}, "collector") == CollectorSettings()


def test_the_example_names_every_setting_and_every_variable() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for cls in (CollectorSettings, type(CollectorSettings().broker), ForeignSource):
        for name, item in cls.__dataclass_fields__.items():
            assert name in ("broker", "foreign") or re.search(rf"^(# )?{name} = ", text, re.MULTILINE), name
            rule = item.metadata.get("rule")
            assert rule is None or rule.env is None or rule.env in text, rule.env


def test_unset_urls_are_files_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings(None, {"ALDEA_DATA": "/srv/aldea", "ALDEA_MQTT_PORT": "8883"})
    assert (settings.series, settings.register) == (
        "sqlite:////srv/aldea/series.db",
        "sqlite:////srv/aldea/register.db",
    )
    assert (settings.address.port, settings.name, settings.keep_days) == (8883, "main", 35)


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "aldea.toml"
    file.write_text(
        '[collector]\nname = "No Good"\nkeep_days = 0\nhost = "x"\n'
        '[collector.broker]\nport = 99999\nca_file = "missing.pem"\nshare_group = "a/b"\n',
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        read_settings(file, {})
    told = "\n".join(caught.value.errors)
    for part in ("name", "keep_days", "host is not a setting", "port", "ca_file", "share_group"):
        assert part in told, part
    assert len(caught.value.errors) == 6


def test_a_wrong_setting_stops_the_process_with_exit_code_2(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "aldea.collector"],
        cwd=tmp_path,
        env={"ALDEA_MQTT_PORT": "a lot"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "ALDEA_MQTT_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_journal_that_cannot_be_used_is_a_sentence_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"x" * 5000)
    done = subprocess.run(
        [sys.executable, "-m", "aldea.collector"],
        cwd=tmp_path,
        env={"ALDEA_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "not a usable journal" in done.stderr
    assert "Traceback" not in done.stderr
