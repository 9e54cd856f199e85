"""A real agent, a real broker and the real collector: settings are sent, tried, kept or given up, and answered."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from aldea.agents.overlay.keeping import Keeper
from aldea.agents.overlay.running import AgentRun
from aldea.agents.overlay.source import Source
from aldea.agents.overlay.state import Overlay, State, Trial
from aldea.agents.service import AgentService
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.storage.register import open_register
from aldea.storage.register.command_rows import CommandState, DeviceCommand
from aldea.storage.register.commands import find_command
from aldea.storage.register.device_overlays import Standing, device_settings_of
from aldea.storage.register.device_settings import send_settings, set_differences
from aldea.storage.register.devices import Device
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.series import open_series_store
from registerkit import clean_file
from rigs.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from aldea.storage.register import Register
    from rigs.mosquitto import Mosquitto

CLOCK = SystemClock()
QUIET = "\n".join(
    f"[agent.{name}]\nenabled = false" for name in ("ping", "dns", "http", "interfaces", "clients", "throughput")
)


class Place:
    """A server and one agent's machine."""

    def __init__(self, folder: Path, mosquitto: Mosquitto, register: Register) -> None:
        self.register = register
        self.data = folder / "agent"
        self.config = folder / "aldea.toml"
        self._port = mosquitto.port
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, trial_seconds: float, program: str = "") -> None:
        """Start the agent, as a service manager would; or a program of one's own, which gets the path of its file."""
        top = f'[agent]\nsite = "village"\ndata = "{self.data}"\nsample_seconds = 1.0\nsend_seconds = 1.0\n'
        top += f"trial_seconds = {trial_seconds}\n"
        self.config.write_text(f"{top}[agent.broker]\nport = {self._port}\n{QUIET}\n", encoding="utf-8")
        command = [sys.executable, "-m", "aldea.agents", "run", "--config", str(self.config)]
        if program:
            command = [sys.executable, "-c", program, str(self.config)]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("ALDEA_")}
        self.process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """The power goes."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """End it in order."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(15) == 0

    def send(self, document: Mapping[str, Any]) -> DeviceCommand:
        """Let the device run with these settings."""
        with self.register.transaction() as unit:
            set_differences(unit, "village", "agent", document, "operator", CLOCK.wall_ms())
            sent = send_settings(unit, "village", "agent", (), CLOCK.wall_ms(), "operator", again=True)
        assert sent is not None
        return sent

    def ended(self, command: DeviceCommand, within_seconds: float = 30.0) -> DeviceCommand:
        """Wait until the device has answered for good."""

        def over() -> DeviceCommand | None:
            with self.register.reading() as unit:
                found = find_command(unit, command.id)
            return found if found is not None and found.state.is_over else None

        found = wait_for(over, within_seconds)
        assert isinstance(found, DeviceCommand)
        return found

    def trial(self) -> Trial | None:
        """What is on trial, as it is on the agent's disk."""
        return Keeper(self.data).read().trial


def wait_for(look: Any, within_seconds: float = 20.0) -> Any:
    pause, until_ms = threading.Event(), CLOCK.mono_ms() + within_seconds * 1000
    while not (found := look()):
        assert CLOCK.mono_ms() < until_ms, "it took too long"
        pause.wait(0.1)
    return found


@pytest.fixture
def place(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Place]:
    """A register, a collector, a broker; the agent is started by the test."""
    folder = tmp_path / "server"
    folder.mkdir()
    register = open_register(clean_file(folder))
    now = CLOCK.wall_ms()
    village = Site("village", "Village", "America/Merida", now - 1000)
    agent = Device("village", "agent", "agent", now - 1000)
    with register.transaction() as unit:
        add_sites(unit, [SiteEntry(village, now - 1000, SiteState.COMMISSIONED, devices=(agent,))])
    store = open_series_store(f"sqlite:///{folder / 'series.db'}")
    address = BrokerAddress(mosquitto.host, mosquitto.port)
    collector = Collector("main", folder / "collector", address, register, store, CLOCK)
    collector.start()
    made = Place(tmp_path, mosquitto, register)
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.kill()
        collector.stop()
        store.close()
        register.close()


def test_good_settings_are_acknowledged_and_a_dead_port_is_rolled_back_within_the_trial(place: Place) -> None:
    place.start(trial_seconds=3.0)
    good = place.ended(place.send({"sample_seconds": 2.0, "send_seconds": 2.0}))
    assert good.state is CommandState.DONE, good.answer
    assert good.answer["changed"] == ["sample_seconds", "send_seconds"]
    with place.register.reading() as unit:
        now = device_settings_of(unit, "village", "agent", (), CLOCK.wall_ms())
    assert (now.standing, now.held_revision) == (Standing.SAME, 1)

    dead = {"sample_seconds": 2.0, "send_seconds": 2.0, "broker": {"port": free_port()}}
    lost = place.ended(place.send(dead))
    assert lost.state is CommandState.ROLLED_BACK, lost.answer
    assert "the server was not heard within 3 seconds" in lost.answer["sentence"]
    assert lost.answer["inconclusive"] is False
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
        await asyncio.sleep(0.2)
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
