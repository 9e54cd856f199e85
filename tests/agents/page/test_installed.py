"""The settings that the installer writes: the page is on, and a line added at the end is the agent's."""

from __future__ import annotations

import tomllib
from pathlib import Path

from aldea.agents.settings import agent_settings

INSTALLER = Path(__file__).parents[3] / "deploy/agent/install.sh"


def test_the_installer_turns_the_page_on() -> None:
    written = INSTALLER.read_text(encoding="utf-8").partition("<<'CONFIG'\n")[2].partition("CONFIG\n")[0]
    settings = agent_settings(tomllib.loads(f'{written}site = "yaxcaba"\n'), {})
    assert settings.page.enabled
    assert settings.page.port == 8080
    assert settings.site == "yaxcaba"
