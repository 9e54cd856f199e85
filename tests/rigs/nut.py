"""A real upsd of Network UPS Tools, whose UPS is NUT's own dummy driver that reads its state from a file."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rigs.processes import LOOPBACK, RigError, ServerProcess, find_program, free_port, port_answers

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDERS = (Path("/lib/nut"), Path("/usr/lib/nut"), Path("/usr/libexec/nut"), Path("/usr/sbin"))


def _program(name: str) -> str:
    for folder in FOLDERS:
        if (folder / name).exists():
            return str(folder / name)
    raise RigError(f"NUT's {name} is not installed: run make test, or apt-get install nut-server nut-client")


class Nut:
    """upsd at a free port of loopback, watching one UPS called `site`."""

    def __init__(self, folder: Path, said: Mapping[str, str]) -> None:
        find_program("upsc", "nut-client")
        driver, daemon = _program("dummy-ups"), _program("upsd")
        state = folder / "state"
        state.mkdir(parents=True)
        self.host = LOOPBACK
        self.port = free_port()
        self._said = folder / "site.dev"
        self.say(said)
        (folder / "ups.conf").write_text(
            f"pollinterval = 1\n[site]\ndriver = dummy-ups\nport = {self._said}\nmode = dummy-once\n"
        )
        (folder / "upsd.conf").write_text(f"LISTEN {LOOPBACK} {self.port}\nMAXAGE 60\n")
        (folder / "upsd.users").write_text("")
        paths = {"NUT_STATEPATH": state, "NUT_PIDPATH": state, "NUT_ALTPIDPATH": state, "NUT_CONFPATH": folder}
        environment = {name: str(path) for name, path in paths.items()}
        user = pwd.getpwuid(os.geteuid()).pw_name
        self._socket = state / "dummy-ups-site"
        self.driver = ServerProcess(
            "dummy-ups", [driver, "-a", "site", "-u", user, "-D"], folder / "driver.log", environment=environment
        )
        self.daemon = ServerProcess("upsd", [daemon, "-u", user, "-D"], folder / "upsd.log", environment=environment)

    def say(self, said: Mapping[str, str]) -> None:
        """Let the UPS be in this state; the driver looks each second."""
        self._said.write_text("".join(f"{name}: {value}\n" for name, value in said.items()))

    def __enter__(self) -> Self:
        self.driver.start(self._socket.exists)
        self.daemon.start(lambda: port_answers(self.port))
        return self

    def __exit__(self, *_: object) -> None:
        self.daemon.stop()
        self.driver.stop()
