"""A box: the installed agent under its launcher, kept running as a service manager would."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from aldea.agents.upgrading.folder import Releases
from aldea.agents.upgrading.state import State

CONFIG = """
[agent]
sample_seconds = 1
send_seconds = 1
trial_seconds = 600
[agent.upgrade]
bytes_per_second = 100000000
"""
OFF = "".join(f"[agent.{name}]\nenabled = false\n" for name in ("ping", "dns", "http", "snmp", "interfaces", "page"))


class Box:
    """One device. `trial_seconds` is how long a release has to be heard, from the next start on."""

    def __init__(self, folder: Path, installation: Path, trial_seconds: float = 120, more: str = "") -> None:
        self.data = folder / "data"
        self.releases = Releases(self.data)
        self.log = folder / "agent.log"
        self._installation = installation
        self.trial_seconds = trial_seconds
        config = folder / "agent.toml"
        config.write_text(CONFIG + more + OFF)
        self._words = ["run", "--config", str(config)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> State:
        return self.releases.read()

    def python(self) -> str:
        """Which Python the service's own process runs."""
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/cmdline").read_bytes().split(b"\0")[0].decode()

    def children(self) -> list[str]:
        """The processes that the service's own one has started and that live."""
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()

    def environ(self) -> dict[str, str]:
        """Return the service's environment."""
        return {"ALDEA_DATA": str(self.data), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self) -> None:
        launch = ["-m", "aldea.agents.upgrading.launch", "--trial-seconds", str(self.trial_seconds)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._installation / "bin/python"), *launch, *self._words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environ(),
                cwd=self.data.parent,
                start_new_session=True,
            )

    def unplug(self) -> None:
        """Everything at once, as when the power goes."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self) -> None:
        """In order, as systemctl stop does; what does not end is killed."""
        if self._process is not None:
            self._process.terminate()
            try:
                assert self._process.wait(120) == 0, self.log.read_text()
            finally:
                self.unplug_quietly()

    def unplug_quietly(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def until(self, condition: Callable[[], Any], seconds: float = 180) -> Any:
        """Wait for something, starting the service again whenever it has ended; return what it is."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, self.log.read_text()[-6000:]
            if self._process is not None and self._process.poll() is not None:
                self.start()
            time.sleep(0.05)
        return found

    def moved_to(self, installation: Path) -> None:
        """Start from another installation from now on."""
        self._installation = installation
