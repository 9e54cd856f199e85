"""The box at the site: the agent's real process, on a machine with its own boot id and its own time since boot.

The boot id is a file of ours mounted over /proc/sys/kernel/random/boot_id in the process's own mount namespace, and
its CLOCK_BOOTTIME comes from a time namespace: a box that was unplugged and plugged in again is one that began anew.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from labkit.habits import Habits, settings_text
from labkit.names import ROUTER
from labkit.server import PASSWORD
from labkit.time_travel import in_its_time
from labkit.waiting import Found, wait_for
from rigs.processes import find_program

if TYPE_CHECKING:
    from collections.abc import Callable

    from labkit.namespaces import Namespace
    from labkit.server import Server
    from labkit.time_travel import LabClock

_BEGIN = """\
umount -l /sys && mount -t sysfs none /sys
mount --bind "$1" /proc/sys/kernel/random/boot_id && mount --bind "$2" /etc/resolv.conf || exit 70
shift 2
exec "$@"
"""


class Box:
    """One box of one site. Its data folder outlives its processes, as a disk does."""

    def __init__(self, place: Namespace, folder: Path, server: Server, clock: LabClock) -> None:
        self.site = server.new_site()
        self._place = place
        self._server = server
        self._clock = clock
        self._folder = folder
        folder.mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._log = (folder / "log").open("ab")
        (folder / "password").write_text(PASSWORD)
        (folder / "password").chmod(0o600)
        (folder / "resolv.conf").write_text(f"nameserver {ROUTER}\noptions timeout:1 attempts:1\n")
        self.habits(Habits())
        self.plug_in(seconds_ago=3_600)

    # ------------------------------------------------------------ the machine

    def plug_in(self, seconds_ago: int = 5) -> None:
        """Give the machine a new boot, that began so long ago."""
        self._began = self._clock.began(seconds_ago)
        (self._folder / "boot_id").write_text(f"{uuid.uuid4()}\n")

    def habits(self, habits: Habits) -> None:
        """Write its `aldea.toml`."""
        self._habits = habits
        text = settings_text(self.site, self._folder, self._server.authority, habits)
        (self._folder / "aldea.toml").write_text(text, encoding="utf-8")

    def has_patience(self) -> None:
        """Let it wait longer from its next start on."""
        self.habits(self._habits.patient())

    # ------------------------------------------------------------ the agent

    def start(self) -> Self:
        """Start the agent, as the service manager does, and wait until it has written down that it began."""
        assert self._process is None, "it is running"
        before = self.last_seq()
        command = self.command("-m", "aldea.agents", "run", "--config", str(self._folder / "aldea.toml"))
        self._process = self._place.call(
            subprocess.Popen, command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        self._wait_for(lambda: self.last_seq() > before, "the agent has not begun", 120)
        return self

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is written."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.poll() is None, f"the agent had ended by itself:\n{self.log()}"
        process.send_signal(number)
        try:
            process.wait(90)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)
            raise

    def close(self) -> None:
        """Kill what still runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None
        self._log.close()

    def command(self, *words: str) -> list[str]:
        """Return a command of Python's that runs on this machine, in this boot."""
        leash = [find_program("setpriv", "util-linux"), "--pdeathsig", "KILL", "--"]
        began = in_its_time(self._clock.offset_for(self._began))
        files = [str(self._folder / name) for name in ("boot_id", "resolv.conf")]
        return [*leash, *began, "sh", "-c", _BEGIN, "box", *files, sys.executable, *words]

    def ask(self, *words: str, code: int = 0) -> Any:
        """Run `aldea agent WORDS --json` here as a person would, and return what it prints; it must end with `code`."""
        config = ("--config", str(self._folder / "aldea.toml"))
        command = self.command("-m", "aldea.deploy.cli", "agent", *words, "--json", *config)
        done = self._place.call(subprocess.run, command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == code, f"{words} ended with {done.returncode}: {done.stderr}"
        return json.loads(done.stdout)

    # ------------------------------------------------------------ what it has

    def log(self, lines: int = 30) -> str:
        """Return the end of what it logged."""
        text = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def last_seq(self) -> int:
        """Return the number of the last row it has recorded."""
        found = self._asked("SELECT max(last_seq) FROM epoch")
        return found[0][0] or 0 if found else 0

    def waiting(self, measurement: str | None = None, after_seq: int = 0) -> int:
        """Return how many rows have not been acknowledged, those after a seq alone."""
        query = "SELECT count(*) FROM waiting JOIN series ON series.id = series_id WHERE seq > ?"
        found = self._asked(f"{query} AND series.content LIKE ?", after_seq, f'["{measurement or ""}%')
        return found[0][0] if found else 0

    def measures(self, measurement: str, rounds: int, within_seconds: float = 120.0) -> None:
        """Wait until so many more rows of a measurement wait in the outbox: for when nothing can be sent."""
        since = self.last_seq()
        self._wait_for(
            lambda: self.waiting(measurement, since) >= rounds,
            f"the agent has not recorded {rounds} rows of {measurement}",
            within_seconds,
        )

    def records(self, measurement: str, rows: int, within_seconds: float = 120.0) -> None:
        """Wait until there are so many rows of a measurement in all, waiting here or with the server."""
        self._wait_for(
            lambda: self.waiting(measurement) + len(self._server.rows(self.site, measurement)) >= rows,
            f"there are no {rows} rows of {measurement}",
            within_seconds,
        )

    def delivers(self, within_seconds: float = 120.0) -> None:
        """Wait until all that is recorded by now is in the server's stores."""
        last = self._wait_for(self.last_seq, "the agent has recorded nothing", within_seconds)
        self._wait_for(
            lambda: not self._asked("SELECT 1 FROM waiting WHERE seq <= ? LIMIT 1", last),
            "not everything was acknowledged",
            within_seconds,
        )
        wait_for(self._server.caught_up, "the stores have not caught up with the journal")

    def sends(self, measurement: str, rounds: int, since_ms: int, **tags: str) -> None:
        """Wait until the server has so many rows of a measurement from a time on."""
        self._wait_for(
            lambda: len(self._server.rows(self.site, measurement, since_ms, **tags)) >= rounds,
            f"the server has not got {rounds} rows of {measurement}",
            within_seconds=120.0,
        )

    def _wait_for(self, look: Callable[[], Found], missing: str, within_seconds: float) -> Found:
        """Wait while the agent runs; say what it logged when it was in vain."""

        def watched() -> Found:
            assert self._process is not None, "the agent was not started"
            assert self._process.poll() is None, "the agent has ended by itself"
            return look()

        try:
            return wait_for(watched, missing, within_seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; its log:\n{self.log()}") from error

    def _asked(self, query: str, *values: object) -> list[Any]:
        path = self._folder / "data" / "outbox.sqlite"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
            try:
                return db.execute(query, values).fetchall()
            except sqlite3.OperationalError:  # not made yet
                return []
