"""Settings and a release at the same time: of two trials at once nobody could say which of them was at fault."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agentkit.tried import DEAD, GOOD, TRIAL_SECONDS, TriedBox, cut_off_while_trying
from aldea.agents.enrolment import keep_enrolment
from aldea.agents.operating.handler import State
from aldea.agents.overlay.handler import SettingsFromAfar
from aldea.agents.overlay.source import Source
from aldea.agents.trial_verdict import settling_ms
from aldea.agents.upgrading.folder import Releases
from aldea.agents.upgrading.state import TRIAL
from aldea.model.messages import Command
from aldea.model.release import Manifest
from upgradekit.simulated import ANSWER, FILE, VERSION, Cut, SimulatedBox, StartAnew
from upgradekit.wheels import Workshop


@pytest.fixture
def settings_box(tmp_path: Path) -> TriedBox:
    folder = tmp_path / "settings"
    folder.mkdir()
    box = TriedBox(folder)
    box.start()
    return box


@pytest.fixture
def box(tmp_path: Path, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> SimulatedBox:
    said = {**ANSWER, "settings": {**ANSWER["settings"], "release_key": workshop.public.read_text()}}
    keep_enrolment(tmp_path / "box", said, "http://127.0.0.1:9")
    return SimulatedBox(tmp_path / "box", workshop.signed(Manifest(VERSION, "3.11", 1, (FILE,))), monkeypatch)


def test_a_release_waits_until_settings_that_told_nothing_had_their_next_try(
    box: SimulatedBox, settings_box: TriedBox
) -> None:
    """Both had told nothing, and both would be tried again once the link is back: settings first."""
    cut_off_while_trying(settings_box, 1, DEAD)
    settings_box.link = True
    box.beside = settings_box.desk
    lives = 0

    async def pause(_: float) -> None:
        nonlocal lives
        assert box.releases.read().trial is None
        lives += 1
        settings_box.live(1)

    box.pause = pause  # type: ignore[method-assign, assignment]  # time is the settings' here
    with pytest.raises(StartAnew):
        box.agent()
    assert lives > settling_ms(TRIAL_SECONDS * 1000) // 1000
    assert not settings_box.desk.is_pending
    assert settings_box.take(1, DEAD).state == "rolled_back"


def test_settings_that_come_while_a_release_is_begun_wait_and_so_does_their_next_try(settings_box: TriedBox) -> None:
    desk, tells = settings_box.desk, list[State]()
    assert desk.hold()
    starts = asyncio.run(carried_out(settings_box, tells))
    assert (starts, tells, desk.is_pending) == (0, [], False)
    desk.let_go()
    assert asyncio.run(carried_out(settings_box, tells)) == 1
    assert tells == [State.RUNNING]
    assert not desk.hold(), "theirs comes first now"
    assert not desk.is_held


async def carried_out(box: TriedBox, tells: list[State]) -> int:
    """Give the box settings, and look a little later; return how often the agent was to start anew."""
    starts: list[bool] = []

    async def tell(state: State, _: object) -> None:
        tells.append(state)

    command = Command("c1", "settings", {"revision": 1, "document": GOOD}, 0)
    handler = SettingsFromAfar(box.desk, lambda: starts.append(True))
    task = asyncio.create_task(handler.carry_out(command, tell))
    for _ in range(20):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return len(starts)


def test_an_agent_that_is_itself_on_trial_begins_no_trial_of_settings(settings_box: TriedBox) -> None:
    cut_off_while_trying(settings_box, 1, GOOD)
    settings_box.source = Source(settings_box.source.config, {TRIAL: "c1"})
    settings_box.start()
    settings_box.link = True
    settings_box.live()
    assert settings_box.desk.is_held
    assert (settings_box.desk.on_trial, settings_box.settings.sample_seconds) == (False, 60)
    settings_box.source = Source(settings_box.source.config, {})
    settings_box.start()
    settings_box.live()
    assert settings_box.settings.sample_seconds == 20, "tried again once the release's trial is over"


def test_a_release_that_could_not_be_begun_lets_settings_go_on(
    box: SimulatedBox, settings_box: TriedBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.beside = settings_box.desk

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Releases, "put", full)
    assert box.agent().state is State.FAILED
    assert not settings_box.desk.is_held


def test_a_power_cut_while_it_is_begun_holds_nothing_after_the_start(box: SimulatedBox, settings_box: TriedBox) -> None:
    box.beside = settings_box.desk
    box.cuts = frozenset({2 * box.writes + 2})
    with pytest.raises(Cut):
        box.agent()
    settings_box.start()
    assert not settings_box.desk.is_held
