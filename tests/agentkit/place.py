"""A server (register, collector) and one agent's machine, which a test starts as a service manager would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

from aldea.agents.overlay.keeping import Keeper
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.storage.register.command_rows import DeviceCommand
from aldea.storage.register.commands import find_command
from aldea.storage.register.device_settings import send_settings, set_differences

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from aldea.agents.overlay.state import Trial
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register
    from rigs.mosquitto import Mosquitto

CLOCK = SystemClock()
QUIET = "\n".join(f"[agent.{name}]\nenabled = false" for name in ("ping", "dns", "interfaces", "clients", "throughput"))


class Place:
    """A server and one agent's machine."""

    def __init__(self, folder: Path, mosquitto: Mosquitto, register: Register, store: SeriesStore) -> None:
        self.register = register
        self._folder = folder
        self._store = store
        self._broker = BrokerAddress(mosquitto.host, mosquitto.port)
        self._collector: Collector | None = None
        self.data = folder / "agent"
        self.config = folder / "aldea.toml"
        self.process: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Let a collector work."""
        self._collector = Collector("main", self._folder / "collector", self._broker, self.register, self._store, CLOCK)
        self._collector.start()

    def serve_no_more(self) -> None:
        """End the collector; the broker goes on."""
        if self._collector is not None:
            self._collector.stop()
            self._collector = None

    def start(self, trial_seconds: float, program: str = "", http: str = "enabled = false") -> None:
        """Start the agent, as a service manager would; or a program of one's own, which gets the path of its file."""
        top = f'[agent]\nsite = "village"\ndata = "{self.data}"\nsample_seconds = 1.0\nsend_seconds = 1.0\n'
        top += f"trial_seconds = {trial_seconds}\n"
        self.config.write_text(
            f"{top}[agent.broker]\nport = {self._broker.port}\n{QUIET}\n[agent.http]\n{http}\n", encoding="utf-8"
        )
        command = [sys.executable, "-m", "aldea.agents", "run", "--config", str(self.config)]
        if program:
            command = [sys.executable, "-c", program, str(self.config)]
        environ = {key: value for key, value in os.environ.items() if not key.startswith("ALDEA_")}
        self.process = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """The power goes."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def stop(self) -> None:
        """End it in order."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(60) == 0

    def send(self, document: Mapping[str, Any]) -> DeviceCommand:
        """Let the device run with these settings."""
        with self.register.transaction() as unit:
            set_differences(unit, "village", "agent", document, "operator", CLOCK.wall_ms())
            sent = send_settings(unit, "village", "agent", (), CLOCK.wall_ms(), "operator", again=True)
        assert sent is not None
        return sent

    def ended(self, command: DeviceCommand, within_seconds: float = 120.0) -> DeviceCommand:
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


def wait_for(look: Any, within_seconds: float = 60.0) -> Any:
    pause, until_ms = threading.Event(), CLOCK.mono_ms() + within_seconds * 1000
    while not (found := look()):
        assert CLOCK.mono_ms() < until_ms, "it took too long"
        pause.wait(0.1)
    return found
