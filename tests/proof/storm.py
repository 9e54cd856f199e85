"""The storm: who is killed when, and when it comes back; drawn from a seed."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from pathlib import Path
    from random import Random

    from proof.cast import Cast, EmbeddedBrokerProcess, Member, MosquittoProcess
    from proof.echo import Echo

    Victim = Member | MosquittoProcess | EmbeddedBrokerProcess


@dataclass(frozen=True, slots=True)
class Plan:
    """How many kills, how often each kind is hit, and how long it is quiet between two (mean, seconds).

    A stall stops the collector (SIGSTOP) for a moment while old batches pour in, so that the broker's queue for it
    overflows. The collector is killed once it has answered something, except now and then while it starts; after its
    return it is left alone until it has, for `patience_seconds` at most; before a stall for `stall_patience_seconds`.
    `everybody`: none of the kinds is left out, whatever the seed says. `behind_an_answer`: each kill comes right after
    the collector has answered a batch.
    """

    kills: int
    agent: float = 0.55
    collector: float = 0.25
    broker: float = 0.20
    gap_seconds: float = 0.55
    stall_every: int = 6
    burst: int = 60
    longest_absence_seconds: float = 0.7
    patience_seconds: float = 0.0
    stall_patience_seconds: float = 30.0
    everybody: bool = False
    behind_an_answer: bool = False


@dataclass(slots=True)
class Storm:
    """Runs a plan over a cast. `kills` counts by kind."""

    cast: Cast
    echo: Echo
    plan: Plan
    random: Random
    kills: Counter[str] = field(default_factory=Counter)
    stalls: int = 0
    _absent: list[tuple[float, int, Victim]] = field(default_factory=list)

    def run(self) -> None:
        """Kill as planned; at the end everybody is there again."""
        for number in range(1, self.plan.kills + 1):
            self._wait_for_an_answer(self.plan.patience_seconds)
            self._wait_for_the_moment()
            if self.plan.stall_every and number % self.plan.stall_every == 0:
                self._stall()
            self._kill(self._choose(), number)
        while self._absent:
            self._wait(0.05)

    def _choose(self) -> Victim:
        if self.plan.everybody and (left_out := self._left_out()):
            self._wait_for_an_answer(self.plan.stall_patience_seconds)
            return left_out[0]
        away = {id(victim) for _, _, victim in self._absent}
        agents = [agent for agent in self.cast.agents if id(agent) not in away]
        choices: list[tuple[Victim, float]] = [(agent, self.plan.agent / len(agents)) for agent in agents]
        if id(self.cast.broker) not in away:
            choices.append((self.cast.broker, self.plan.broker))
        ready = self.echo.answered.is_set() or self.random.random() < 0.1
        if id(self.cast.collector) not in away and ready:
            choices.append((self.cast.collector, self.plan.collector))
        return self.random.choices([c for c, _ in choices], [weight for _, weight in choices])[0]

    def _left_out(self) -> list[Victim]:
        """Return one of each kind that was not hit, once there are no more kills left than that."""
        found = [
            one for one in (self.cast.collector, self.cast.broker, self.cast.agents[0]) if not self.kills[one.name]
        ]
        return found if self.plan.kills - sum(self.kills.values()) <= len(found) else []

    def _kill(self, victim: Victim, number: int) -> None:
        if victim in self.cast.agents and self.random.random() < 0.4:
            self._wait_for_the_oracle(self.cast.agents.index(victim))
        victim.kill()
        self.kills[victim.name] += 1
        if victim is self.cast.collector:
            self.echo.answered.clear()
        absence = 0.0 if self.random.random() < 0.5 else self.random.uniform(0, self.plan.longest_absence_seconds)
        heapq.heappush(self._absent, (time.monotonic() + absence, number, victim))
        self._bring_back()

    def _wait_for_an_answer(self, most_seconds: float) -> None:
        self._wait_until(self.echo.answered, most_seconds)

    def _wait_for_the_moment(self) -> None:
        """Let some time pass; every other time wait for traffic, and strike just behind it."""
        if self.plan.behind_an_answer:
            for heard in (self.echo.traffic, self.echo.answered):
                heard.clear()
                self._wait_until(heard, 30.0)
            return
        self._wait(self.random.uniform(0, 2 * self.plan.gap_seconds))
        if self.random.random() < 0.6:
            self.echo.traffic.clear()
            self._wait_until(self.echo.traffic, 0.6)
            self._wait(self.random.uniform(0, 0.03))

    def _wait_until(self, heard: threading.Event, most_seconds: float) -> None:
        deadline = time.monotonic() + most_seconds
        while not heard.is_set() and time.monotonic() < deadline:
            self._wait(0.005)

    def _wait_for_the_oracle(self, agent: int) -> None:
        """Strike an agent between its oracle's line and what follows: the commit, the sending, the answer."""
        oracle = self.cast.villages[agent].oracle.path
        before, deadline = _size(oracle), time.monotonic() + 0.4
        while _size(oracle) == before and time.monotonic() < deadline:
            time.sleep(0.0005)
        time.sleep(self.random.uniform(0, 0.008))

    def _stall(self) -> None:
        collector = self.cast.collector
        self._wait_for_an_answer(self.plan.stall_patience_seconds)
        if any(victim is collector for _, _, victim in self._absent) or not self.echo.answered.is_set():
            return
        collector.process.pause()
        self.echo.burst(self.plan.burst)
        self._wait(self.random.uniform(0.3, 0.9))
        collector.process.resume()
        self.stalls += 1

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            self._bring_back()
            time.sleep(min(0.005, end - now))
        self._bring_back()

    def _bring_back(self) -> None:
        while self._absent and self._absent[0][0] <= time.monotonic():
            heapq.heappop(self._absent)[2].start()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def settle(cast: Cast, within_seconds: float) -> float | None:
    """Wait until the cast has settled and stays so; return the seconds it took, None when it did not in time."""
    began = time.monotonic()
    times = 0
    while time.monotonic() - began < within_seconds:
        times = times + 1 if cast.has_settled() else 0
        if times == 3:
            return time.monotonic() - began
        time.sleep(0.2)
    return None
