"""Rounds that a person asks for on the page: all checks, and the test of the link's speed. One at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Generic, TypeVar

from aldea.agents.checkup.checks import judge
from aldea.agents.checkup.evidence import Evidence
from aldea.agents.checkup.findings import Finding
from aldea.agents.page.allowance import Allowance
from aldea.model.clock import Clock
from aldea.model.sample import Reading

_LOG = logging.getLogger(__name__)
PAUSE_MS = 15_000
"""Between two rounds: each costs some bytes of a metered link."""
CHECKS_AT_ONCE, ONE_CHECK_EACH_MS = 12, 15 * 60_000
"""Without the PIN: so that nobody spends the site's bytes by asking all day. A visit needs a few."""

Submit = Callable[[Coroutine[Any, Any, Any]], "Future[Any]"]
"""Runs a coroutine in the agent's loop, from any thread."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Round(Generic[Found]):
    """One round: what has come so far. Times since boot; `ended_ms` None while it runs. `failed`: it broke off."""

    started_ms: int
    found: Found
    ended_ms: int | None = None
    failed: bool = False


class Started(Enum):
    """What came of asking for a round."""

    RUNS = "runs"
    JUST_NOW = "just_now"
    TOO_OFTEN = "too_often"


class Rounds(Generic[Found]):
    """Starts rounds, one at a time, and keeps the last one."""

    def __init__(self, submit: Submit, clock: Clock, nothing: Found) -> None:
        self._submit = submit
        self._clock = clock
        self._nothing = nothing
        self._lock = threading.Lock()
        self._last: Round[Found] | None = None

    @property
    def last(self) -> Round[Found] | None:
        """The round that runs, else the one that ended last."""
        with self._lock:
            return self._last

    def start(self, *, trusted: bool = False) -> Started:
        """Start a round, unless one runs, ended a moment ago, or there were too many; `trusted`: the PIN was given."""
        now_ms = self._clock.mono_ms()
        with self._lock:
            last = self._last
            if last is not None and last.ended_ms is None:
                return Started.RUNS
            if last is not None and last.ended_ms is not None and now_ms - last.ended_ms < PAUSE_MS:
                return Started.JUST_NOW
            if not (trusted or self.may()):
                return Started.TOO_OFTEN
            self._last = Round(now_ms, self._nothing)
        self._submit(self._run())
        return Started.RUNS

    def may(self) -> bool:
        """Say whether one more round may be asked for without the PIN, and count it."""
        return True

    async def _run(self) -> None:
        failed = True
        try:
            self._note(await self.look())
            failed = False
        except Exception:  # noqa: BLE001 - a round that breaks off is said; the agent goes on
            _LOG.exception("a round asked for on the page broke off")
        finally:
            with self._lock:
                if self._last is not None:
                    self._last = replace(self._last, ended_ms=self._clock.mono_ms(), failed=failed)

    def _note(self, found: Found) -> None:
        with self._lock:
            if self._last is not None:
                self._last = replace(self._last, found=found)

    async def look(self) -> Found:
        """Do what a round is for."""
        raise NotImplementedError


class CheckRounds(Rounds[tuple[Finding, ...]]):
    """All checks, live. `look_at` runs them and tells what is known so far."""

    def __init__(
        self, submit: Submit, clock: Clock, look_at: Callable[[Callable[[Evidence], None]], Awaitable[Evidence]]
    ) -> None:
        super().__init__(submit, clock, judge(Evidence()))
        self._look_at = look_at
        self._allowance = Allowance(clock, CHECKS_AT_ONCE, ONE_CHECK_EACH_MS)

    def may(self) -> bool:
        """Say whether there is one left."""
        return self._allowance.take()

    async def look(self) -> tuple[Finding, ...]:
        """Run all checks."""
        return judge(await self._look_at(lambda found: self._note(judge(found))))


class SpeedRounds(Rounds[Sequence[Reading]]):
    """The test by hand, out of what the byte budget keeps for it. `available`: a server to test with is set.

    `half_is_left` says whether more than half of those bytes is left this month: without the PIN they may be spent
    down to that half, so that whoever looks after the site always finds some.
    """

    def __init__(
        self,
        submit: Submit,
        clock: Clock,
        test: Callable[[], Awaitable[Sequence[Reading]]],
        half_is_left: Callable[[], bool],
        *,
        available: bool,
    ) -> None:
        super().__init__(submit, clock, ())
        self._test = test
        self._half_is_left = half_is_left
        self.available = available

    def may(self) -> bool:
        """Say whether the bytes suffice."""
        return self._half_is_left()

    async def look(self) -> Sequence[Reading]:
        """Run the test."""
        return await self._test()
