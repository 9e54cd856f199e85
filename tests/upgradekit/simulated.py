"""A simulated box on which releases are tried: the real launcher and command, and a stand-in for the agent on trial."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from aldea.agents.budget import Budget, LedgerFile, Meter, Plan, SiteCalendar, Terms
from aldea.agents.operating.handler import Outcome, State
from aldea.agents.settings import AgentSettings, BrokerSettings
from aldea.agents.upgrading import launch
from aldea.agents.upgrading.folder import COMPLETE, HEARD, Releases
from aldea.agents.upgrading.handler import Beside, Upgrade
from aldea.agents.upgrading.launch import Launcher
from aldea.agents.upgrading.settling import Link
from aldea.agents.upgrading.state import LAUNCHER, Trial
from aldea.agents.upgrading.state import State as Kept
from aldea.model.clock import ManualClock
from aldea.model.messages import Command
from aldea.model.release import ReleaseFile, SignedRelease, document_of

ANSWER: dict[str, Any] = {
    "site": "isla",
    "device": "agent",
    "broker": {"host": "localhost", "port": 1883, "tls": False, "ca_pem": None},
    "username": "isla/agent",
    "password": "secret",
    "settings": {"timezone": "America/Merida"},
}
"""What a server answers to a device that enrols."""

BASE, VERSION, COMMAND = "/opt/aldea-agent/venv-1", "9.0.0", "c1"
PATIENCE_MS = 900_000
LONGEST_MS = 40 * 3_600_000
LAUNCHED = {LAUNCHER: json.dumps(["python", "-m", "aldea.agents.upgrading.launch", "run"])}
FILE = ReleaseFile("aldea-9.0.0-py3-none-any.whl", 1_000, "0" * 64)


class Cut(BaseException):
    """The power goes here."""


class StartAnew(Exception):
    """The agent hands over to its launcher."""


class Child:
    """The release on trial, as the launcher sees it; `ends` says whether it has ended by itself by now."""

    def __init__(self, code: int | None, ends: Callable[[], bool], at_its_end: Callable[[], None]) -> None:
        self._code = code
        self._ends = ends
        self._at_its_end = at_its_end

    def poll(self) -> int | None:
        return self._code if self._ends() else None

    def terminate(self) -> None:
        self._at_its_end()
        self._code = 0

    def wait(self, _seconds: float | None = None) -> int:
        return 0


class Watch:
    """What looks at the link during a trial, as the launcher sees it; it began at `since_ms`."""

    def __init__(self, box: SimulatedBox, since_ms: int) -> None:
        self._box = box
        self._since_ms = since_ms

    @property
    def had_link(self) -> bool:
        """Whether there was one for half the trial's time without a break."""
        began, ended = self._since_ms / 60_000, self._box.clock.mono_ms() / 60_000
        spans = [min(last, ended) - max(first, began) for first, last in self._box.reached]
        return max(spans, default=0.0) * 60_000 >= PATIENCE_MS / 2

    def start(self) -> None:
        """It looks, or goes on."""

    def stop(self, _seconds: float) -> None:
        """It looks no more."""


class SimulatedBox:
    """A box with a release that was fetched and built: what is left is to try it. Time is a ManualClock's.

    `link` are the minutes in which the server can be heard, `reached` those in which its broker answers; `deaf`: the
    release cannot hear it at all, `ends`: with which code it ends after `lasts` minutes; `late`: it is heard just as it
    is ended.
    """

    def __init__(self, data: Path, release: SignedRelease, monkeypatch: pytest.MonkeyPatch) -> None:
        self.data, self.release = data, release
        self.releases = Releases(data)
        self.clock = ManualClock(0, 0)
        self.boot = "boot-0"
        self.boots = 0
        self.link = [(0.0, 1e9)]
        self.reached = [(0.0, 1e9)]
        self.deaf = False
        self.late = False
        self.ends: int | None = None
        self.lasts = 0.0
        self.beside: Beside | None = None
        self.trials = 0
        self.said: list[Mapping[str, Any]] = []
        self.writes = 0
        self.cuts: frozenset[int] = frozenset()
        self._put = Releases.put
        python = self.releases.python(VERSION)
        python.parent.mkdir(parents=True)
        python.touch()
        (self.releases.path(VERSION) / COMPLETE).touch()
        self.releases.write(Kept(BASE))
        monkeypatch.setattr(launch, "boot_id", lambda: self.boot)
        monkeypatch.setattr("aldea.agents.upgrading.launch.time.sleep", lambda _: self.clock.advance(30_000))
        monkeypatch.setattr(Releases, "put", lambda _, name, content: self.written(name, content))
        monkeypatch.setattr(Launcher, "_link_watch", lambda _, trial: self.watched(trial))
        monkeypatch.setattr(Launcher, "_start", lambda _, __, trial: self.started(trial))

    def written(self, name: str, content: bytes) -> None:
        """Write a file, unless the power goes just before; it may go just after as well."""
        self.writes += 1
        if 2 * self.writes in self.cuts:
            raise Cut
        self._put(self.releases, name, content)
        if 2 * self.writes + 1 in self.cuts:
            raise Cut

    def is_heard(self) -> bool:
        minute = self.clock.mono_ms() / 60_000
        return any(first <= minute < last for first, last in self.link)

    def watched(self, trial: Trial) -> Watch:
        assert (trial.host, trial.port) == ("localhost", 1883), "where the server was heard before"
        return Watch(self, self.clock.mono_ms())

    def started(self, trial: str) -> Child:
        self.trials += 1
        self.clock.advance(30_000)  # until it has started
        word = trial.encode() + b"\n"
        if not self.deaf and self.ends is None and self.is_heard():
            self.releases.put(HEARD, word)
        until_ms = self.clock.mono_ms() + round(self.lasts * 60_000)
        return Child(
            self.ends,
            lambda: self.clock.mono_ms() >= until_ms,
            lambda: self.releases.put(HEARD, word) if self.late else None,
        )

    async def pause(self, seconds: float) -> None:
        self.clock.advance(max(1_000, round(seconds * 1000)))
        assert self.clock.mono_ms() < LONGEST_MS, "it waits for ever"

    async def tell(self, _: State, detail: Mapping[str, Any]) -> None:
        self.said.append(detail)

    def start_anew(self) -> None:
        raise StartAnew

    def agent(self) -> Outcome:
        """Run the agent that runs: it carries the command out, or goes on with it."""
        payload = {
            "manifest": document_of(self.release.manifest),
            "signature": base64.b64encode(self.release.signature).decode(),
        }
        budget = Budget(Plan(Terms(), SiteCalendar(None, ())), LedgerFile(self.data), lambda: None, Meter())
        link = Link(self.is_heard, self.clock, self.boot, self.pause)
        runs = VERSION if self.releases.read().current == VERSION else "0.1.0"
        settings = AgentSettings(site="isla", data=self.data, broker=BrokerSettings(host="localhost"))
        handler = Upgrade(settings, budget, runs, self.start_anew, link, LAUNCHED, lambda _: 10**12, self.beside)
        return asyncio.run(handler.carry_out(Command(COMMAND, "upgrade", payload, 0), self.tell))

    def live(self) -> Outcome:
        """Go on until the command has ended, whatever the power does."""
        for _ in range(100):
            try:
                Launcher(self.data, BASE, ["run"], PATIENCE_MS / 1000, self.clock).decide()
                return self.agent()
            except StartAnew:
                continue
            except Cut:
                self.boots += 1
                self.boot = f"boot-{self.boots}"
        raise AssertionError(f"it never ends: {self.releases.read()}")
