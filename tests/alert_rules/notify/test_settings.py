"""The settings of alerts: every mistake at once, and the example says what is true."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from aldea.alert_rules.notify.messages import languages
from aldea.alert_rules.settings import AlertSettings, MailSettings, read_settings
from aldea.model.settings import SettingsError, load_settings

EXAMPLE = Path(__file__).resolve().parents[3] / "alert_rules/aldea/alert_rules/alerts.example.toml"


def test_the_example_states_the_defaults() -> None:
    table = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert load_settings(AlertSettings, table["alerts"], {}, "alerts") == AlertSettings()


def test_the_example_names_every_setting_and_every_variable() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    for cls in (AlertSettings, MailSettings):
        for name, item in cls.__dataclass_fields__.items():
            assert name == "mail" or re.search(rf"^(# )?{name} = ", text, re.MULTILINE), name
            rule = item.metadata.get("rule")
            assert rule is None or rule.env is None or rule.env in text, rule.env


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "aldea.toml"
    file.write_text(
        '[alerts]\nlanguage = "fr"\npublic_url = "aldea.example.org"\njoin_from = 1\nquiet_hours = "25:00-06:00"\n'
        'rules = "/nowhere/rules.yaml"\npublic = 1\n'
        '[alerts.mail]\nport = 0\nsecurity = "ssl"\nsender = "aldea"\n',
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as caught:
        read_settings(file, {})
    told = "\n".join(caught.value.errors)
    parts = (
        "language",
        "public_url",
        "join_from",
        "quiet_hours",
        "rules",
        "alerts.public is",
        "port",
        "security",
        "sender",
    )
    for part in parts:
        assert part in told, part
    assert len(caught.value.errors) == len(parts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[alerts.mail]\nusername = "aldea"\n', "set both or neither"),
        ('[alerts]\nheartbeat_url = "watchdog"\n', "give the whole address"),
        ('[alerts]\ntime_zone = "Mars/Olympus"\n', "an IANA time zone"),
        ("[alerts\n", "is not TOML"),
    ],
)
def test_what_does_not_go_together_gets_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "aldea.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        read_settings(file, {})


def test_the_register_is_a_file_in_the_folder_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings(None, {"ALDEA_DATA": "/srv/aldea"}).register == "sqlite:////srv/aldea/register.db"
    assert read_settings(None, {"ALDEA_REGISTER_URL": "sqlite:////x/r.db"}).register == "sqlite:////x/r.db"
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "missing.toml", {})


def test_a_language_of_the_settings_has_its_texts() -> None:
    choices = AlertSettings.__dataclass_fields__["language"].metadata["rule"].choices
    assert sorted(choices) == sorted(languages())
