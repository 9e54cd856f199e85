"""What every server under test shares: starting, waiting until it answers, its log, and its end."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LOOPBACK = "127.0.0.1"

# Debian keeps daemons where an ordinary user's PATH does not look.
_ALSO_LOOK_IN = ("/usr/sbin", "/usr/local/sbin")

_PORTS = range(20_000, 32_000)


class RigError(RuntimeError):
    """A server that a test needs is missing or does not run; the message says which, and what to do."""


def find_program(name: str, package: str) -> str:
    """Return the path of `name`. Raises RigError naming the Debian package when it is not installed."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_ALSO_LOOK_IN))
    found = shutil.which(name, path=path)
    if found is None:
        raise RigError(f"{name} is not installed: run make test, or apt-get install {package}")
    return found


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """Return a port of loopback that nothing uses, and that no test on this machine is given again meanwhile.

    It is ours until this process ends, also while nobody listens there. Whoever lets the system choose a port gets one
    from 32768 on. Raises RigError when none is left.
    """
    for port in random.sample(_PORTS, len(_PORTS)):
        # A name that belongs to one process of this machine, and is given back by its end however that comes.
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            mark.bind(f"\0aldea-tests-{port}")
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind((LOOPBACK, port))
        except OSError:
            mark.close()
            continue
        mark.detach()
        return port
    raise RigError("no port of loopback is free")


def port_answers(port: int) -> bool:
    """Tell whether something accepts TCP connections on `port`."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0):
            return True
    except OSError:
        return False


class ServerProcess:
    """One server program: its command, its log, its process.

    `stop_signal` is what makes it end in good order. It does not outlive the test run: the kernel ends it
    when the thread that started it dies.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        user: str | None = None,
        environment: Mapping[str, str] | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._user = user
        self._environment = {**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})}
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id. Raises RigError when it is not running."""
        if self._process is None:
            raise RigError(f"{self.name} is not running")
        return self._process.pid

    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def start(self, ready: Callable[[], bool], within_seconds: float = 60.0) -> None:
        """Start it and wait until `ready()`. Raises RigError with the end of its log."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*_leash(self._user), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + within_seconds
        while not ready():
            if self._process.poll() is not None:
                code = self._process.returncode
                self._process = None
                raise RigError(f"{self.name} ended with {code} instead of starting:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise RigError(f"{self.name} was not ready in {within_seconds:g} s:\n{self.log_tail()}")
            time.sleep(0.02)

    def stop(self, within_seconds: float = 60.0) -> None:
        """End it in good order; kill it when it takes too long. Nothing happens when it is not running."""
        if self._process is None:
            return
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(60)
        self._process = None

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone. Nothing happens when it is not running."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(60)
        self._process = None

    def pause(self) -> None:
        """Let it stand still with its connections open (SIGSTOP); return once each of its threads does.

        Raises RigError where they do not.
        """
        os.kill(self.pid, signal.SIGSTOP)
        deadline = time.monotonic() + 60
        while not self._stands_still():
            if time.monotonic() > deadline:
                raise RigError(f"{self.name} does not stand still")
            time.sleep(0.005)

    def _stands_still(self) -> bool:
        states = Path(f"/proc/{self.pid}/task").glob("*/stat")
        return all(
            state.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] == "T" for state in states
        )

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        os.kill(self.pid, signal.SIGCONT)

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines it wrote."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _leash(user: str | None) -> list[str]:
    """Return the prefix that runs a command as `user` and ends it with us."""
    leash = [find_program("setpriv", "util-linux"), "--pdeathsig", "KILL"]
    if user is not None:
        leash += ["--reuid", user, "--regid", user, "--init-groups"]
    return [*leash, "--"]
