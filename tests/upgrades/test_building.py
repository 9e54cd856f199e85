"""Building: the environment is made of what was signed and what is installed, whatever the machine has been told."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from aldea.agents.upgrading import building
from aldea.agents.upgrading.building import build
from aldea.agents.upgrading.folder import Releases
from aldea.agents.words import Words
from aldea.model.release import ReleaseError
from upgradekit.wheels import FIRST, Workshop

VERSION = "9.0.0"


def test_no_setting_of_pip_on_this_machine_has_a_say(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = str(workshop.installation() / "bin/python")
    release, _ = workshop.release(VERSION)
    settings = tmp_path / "pip.conf"
    elsewhere = tmp_path / "elsewhere"
    settings.write_text(f"[install]\ntarget = {elsewhere}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.setenv("PIP_REQUIRE_HASHES", "1")
    config = tmp_path / "agent.toml"
    config.write_text('[agent]\nsite = "isla"\n')
    releases = Releases(tmp_path / "data")
    words = ["run", "--config", str(config)]
    asyncio.run(build(releases, release.manifest, [workshop.wheel(VERSION)], python, words))
    assert releases.is_whole(VERSION)
    assert not elsewhere.exists()
    odd = tmp_path / "aldea.whl"
    odd.write_bytes(b"no wheel")
    with pytest.raises(ReleaseError, match=r"its wheels cannot be installed: .*not a valid wheel filename"):
        asyncio.run(build(Releases(tmp_path / "more"), release.manifest, [odd], python, words))


def test_a_release_of_the_installations_own_version_is_built_all_the_same(
    workshop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going back to it from a newer one: what is lent is not in its place."""
    monkeypatch.setenv("ALDEA_SITE", "isla")
    release, _ = workshop.release(FIRST)
    releases = Releases(tmp_path)
    python = str(workshop.installation() / "bin/python")
    asyncio.run(build(releases, release.manifest, [workshop.wheel(FIRST)], python, ["run"]))
    assert list(releases.path(FIRST).glob("lib/*/site-packages/aldea/agents/service.py"))


def test_where_memory_is_short_a_step_ends_before_the_agent_does(tmp_path: Path) -> None:
    waits = f"""
import time
for _ in range(1000):
    score = open("/proc/self/oom_score_adj").read()
    if score.strip() == "500":
        break
    time.sleep(0.01)
open({str(tmp_path / "score")!r}, "w").write(score)
"""
    asyncio.run(building._run([sys.executable, "-c", waits], Words("it failed", "it failed")))
    assert (tmp_path / "score").read_text() == "500\n"
