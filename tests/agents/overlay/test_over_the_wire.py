"""A real agent, a real broker and the real collector: settings are sent, tried, kept or given up, and answered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from agentkit.place import CLOCK, wait_for
from aldea.agents.overlay.keeping import Keeper
from aldea.agents.overlay.running import AgentRun
from aldea.agents.overlay.source import Source
from aldea.agents.overlay.state import Overlay, State, Trial
from aldea.agents.service import AgentService
from aldea.agents.trial_verdict import BLAMED_AFTER
from aldea.storage.register.command_rows import CommandState
from aldea.storage.register.device_overlays import Standing, device_settings_of
from rigs.processes import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from agentkit.place import Place


def test_good_settings_are_acknowledged_and_a_dead_port_is_rolled_back_after_a_second_trial(place: Place) -> None:
    place.start(trial_seconds=60.0)
    good = place.ended(place.send({"sample_seconds": 2.0, "send_seconds": 2.0}))
    assert good.state is CommandState.DONE, good.answer
    assert good.answer["changed"] == ["sample_seconds", "send_seconds"]
    with place.register.reading() as unit:
        now = device_settings_of(unit, "village", "agent", (), CLOCK.wall_ms())
    assert (now.standing, now.held_revision) == (Standing.SAME, 1)
    place.stop()

    place.start(trial_seconds=10.0)
    dead = {"sample_seconds": 2.0, "send_seconds": 2.0, "broker": {"port": free_port()}}
    lost = place.ended(place.send(dead))
    assert lost.state is CommandState.ROLLED_BACK, lost.answer
    assert "the server was not heard within 10 seconds" in lost.answer["sentence"]
    assert lost.answer["inconclusive"] is False
    assert lost.answer["tries"] >= BLAMED_AFTER
    assert lost.answer["runs"] == 1

    wrong = place.ended(place.send({"sample_seconds": 900.0, "site": "elsewhere"}))
    assert wrong.state is CommandState.FAILED
    assert "site cannot be set from afar" in wrong.answer["sentence"]
    place.stop()
    assert Keeper(place.data).read().kept == Overlay(1, {"sample_seconds": 2.0, "send_seconds": 2.0})


def test_an_agent_that_dies_whenever_it_tries_them_goes_back(place: Place) -> None:
    place.start(trial_seconds=600.0)
    sent = place.send({"broker": {"port": free_port()}})
    for starts in (1, 2, 3):
        wait_for(lambda wanted=starts: (found := place.trial()) is not None and found.starts == wanted)
        place.kill()
        place.start(trial_seconds=600.0)
    lost = place.ended(sent)
    assert lost.state is CommandState.ROLLED_BACK, lost.answer
    assert "started 3 times with these settings" in lost.answer["sentence"]
    place.stop()


FAULTY = """
import asyncio, sys
from pathlib import Path
from aldea.agents.commands import run_agent
from aldea.agents.runner import Runner

measure = Runner.run

async def run(self):
    if any(state.every_seconds == 77 for state in self.states()):
        await asyncio.sleep(0)  # all else has begun, and nobody can have been heard
        raise RuntimeError("no such interface")
    await measure(self)

Runner.run = run
sys.exit(run_agent(Path(sys.argv[1]), {}))
"""


def test_a_fault_in_the_middle_of_a_running_agent_is_rolled_back_in_the_same_process(place: Place) -> None:
    place.start(trial_seconds=60.0, program=FAULTY)
    assert place.process is not None
    lost = place.ended(place.send({"host": {"every_seconds": 77.0}}))
    # Whoever is heard before the fault comes holds: then the fault is the agent's, and its service manager's.
    assert lost.state is CommandState.ROLLED_BACK, lost.answer
    assert "RuntimeError: no such interface" in lost.answer["sentence"]
    assert lost.answer["runs"] == 0
    assert place.process.poll() is None, "it is the same process"
    assert place.ended(place.send({"sample_seconds": 2.0, "send_seconds": 2.0})).state is CommandState.DONE
    place.stop()


def test_a_fault_that_comes_with_the_settings_ends_the_trial_and_not_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "aldea.toml"
    config.write_text(f'[agent]\nsite = "village"\ndata = "{tmp_path}"\n')
    Keeper(tmp_path).write(State(trial=Trial(Overlay(1, {"sample_seconds": 7.0}), "command-1", 600_000)))
    seen: list[float] = []

    async def run(self: AgentService) -> bool:
        seen.append(self.settings.sample_seconds)
        if len(seen) == 1:
            raise RuntimeError("no such interface")
        return False

    monkeypatch.setattr(AgentService, "run", run)
    asyncio.run(AgentRun(Source(config, {})).run())
    assert seen == [7.0, 60.0]
    outcome = Keeper(tmp_path).read().outcome
    assert outcome is not None
    assert outcome.state == "rolled_back"
    assert "RuntimeError: no such interface" in outcome.detail["sentence"]

    async def fails(self: AgentService) -> bool:
        raise RuntimeError("without a trial")

    monkeypatch.setattr(AgentService, "run", fails)
    with pytest.raises(RuntimeError, match="without a trial"):
        asyncio.run(AgentRun(Source(config, {})).run())
