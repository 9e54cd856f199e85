"""`throughput`: how fast the site's link is, when the byte budget has a test due."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from aldea.agents.probes.throughput.crossing import Crossing, Passed, bits_per_second, own_counters
from aldea.agents.probes.throughput.outcome import Direction, Limits, Outcome
from aldea.model.counters import counter_delta
from aldea.model.failures import Failure
from aldea.model.sample import Reading

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Sequence

    from aldea.agents.budget import Allowed, Budget
    from aldea.agents.probe import ProbeContext
    from aldea.agents.probes.throughput.http_test import HttpTest
    from aldea.agents.probes.throughput.iperf3_test import Iperf3Test
    from aldea.agents.throughput_settings import ThroughputSettings
    from aldea.model.sample import Value

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""Between two looks at the link's counters, before a test: by then the cycle's other probes have been answered."""
ENDS_WITHIN_SECONDS = 4.0
"""A test that is given up has said by then what it has cost; else its whole cap stays booked."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """One direction, and what else crossed the link that way in bits per second; `cut`: the round was given up."""

    direction: Direction
    outcome: Outcome
    cross: float | None
    cut: bool = False


class ThroughputProbe:
    """Asks the budget each round; where a test is due, looks whether the link is quiet, and measures both directions.

    `by_hand`: a person asks. Then the test runs at once, out of what is kept for that. A round that is given up (the
    agent stops, or it took too long) ends its test, and returns what that has found and spent.
    """

    name = "throughput"

    def __init__(
        self,
        settings: ThroughputSettings,
        context: ProbeContext,
        budget: Budget,
        crossing: Crossing,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._context = context
        self._budget = budget
        self._crossing = crossing
        self._pause = pause
        self._complained = False

    async def measure(self) -> Sequence[Reading]:
        """Return a reading for each direction and one of the budget; nothing while no test is due."""
        if not self._settings.has_server:
            return []
        try:
            allowed = await self._by_hand() if self._context.by_hand else await self._scheduled()
        except OSError as error:
            # What cannot be booked is not spent.
            if not self._complained:
                log.warning("no tests of the throughput: the byte budget cannot be kept: %s", error)
            self._complained = True
            return self._no_test(Failure.NOT_AVAILABLE)
        self._complained = False
        return self._no_test(Failure.BUDGET_SPENT) if allowed is None else await self._test(allowed)

    async def aclose(self) -> None:
        """Give back what asks the router."""
        await self._crossing.aclose()

    async def _by_hand(self) -> Allowed | None:
        return await asyncio.to_thread(self._budget.by_hand)

    async def _scheduled(self) -> Allowed | None:
        if not await asyncio.to_thread(self._budget.is_due):
            return None
        before = await self._crossing.look()
        await self._pause(LOOK_SECONDS)
        now = await self._crossing.look()
        busy = (
            before is not None
            and now is not None
            and bits_per_second(before, now) > self._settings.busy_bits_per_second
        )
        return await asyncio.to_thread(self._budget.ask, busy=busy)

    def _no_test(self, failure: Failure) -> Sequence[Reading]:
        """Tell a person why there is none; a scheduled one has its next time."""
        fields: dict[str, Value] = {"failure": failure.value}
        return [Reading(self.name, fields)] if self._context.by_hand else []

    async def _test(self, allowed: Allowed) -> Sequence[Reading]:
        found: list[_Measured] = []
        parts = self._parts(allowed)
        try:
            for direction, part in parts:
                found.append(await self._direction(direction, part))
                if found[-1].cut:
                    break
        except asyncio.CancelledError:
            log.info("a test of the throughput was given up between its directions")
        except _SaysNothing:
            log.warning("a test of the throughput that was given up does not end: its whole cap stays booked")
            return [self._reading(allowed, item) for item in found]
        readings = [self._reading(allowed, item) for item in found]
        return [*readings, *await asyncio.to_thread(self._booked, allowed, found, len(parts))]

    def _booked(self, allowed: Allowed, found: Sequence[_Measured], directions: int) -> Sequence[Reading]:
        """Book what was spent; return how the month stands, where the disk takes it."""
        outcomes = [item.outcome for item in found]
        spent = sum(outcome.spent_bytes for outcome in outcomes)
        valid = any(item.direction is Direction.DOWN and item.outcome.steady for item in found)
        whole = len(found) == directions and not any(item.cut or item.outcome.failure for item in found)
        try:
            self._budget.settle(allowed, spent, valid=valid, whole=whole)
            return [self._budget.reading()]
        except OSError as error:
            log.warning("the byte budget cannot be kept: what a test might have cost at most stays booked: %s", error)
            return []

    def _parts(self, allowed: Allowed) -> list[tuple[Direction, int]]:
        """Return what each direction may spend; one without an address leaves all to the other."""
        iperf3 = self._settings.iperf3_host is not None
        up = round(allowed.cap_bytes * self._settings.upload_ratio)
        if not iperf3 and self._settings.up_url is None:
            up = 0
        if not iperf3 and self._settings.down_url is None:
            up = allowed.cap_bytes
        parts = [(Direction.DOWN, allowed.cap_bytes - up), (Direction.UP, up)]
        return [(direction, part) for direction, part in parts if part > 0]

    async def _direction(self, direction: Direction, cap_bytes: int) -> _Measured:
        settings = self._settings
        limits = Limits(cap_bytes, settings.max_seconds, settings.flows, settings.connect_seconds)
        before = await self._crossing.look()
        test = self._made(direction, limits)
        running = asyncio.ensure_future(asyncio.to_thread(test.run))
        try:
            outcome = await asyncio.shield(running)
        except asyncio.CancelledError:
            test.abandon()
            return _Measured(direction, await _said_within(running), None, cut=True)
        try:
            after = await self._crossing.look()
        except asyncio.CancelledError:
            return _Measured(direction, outcome, None, cut=True)
        return _Measured(direction, outcome, _cross(before, after, direction, outcome))

    def _made(self, direction: Direction, limits: Limits) -> HttpTest | Iperf3Test:
        settings = self._settings
        if settings.iperf3_host is not None:
            from aldea.agents.probes.throughput.iperf3_test import Iperf3Test  # noqa: PLC0415 - where it is used

            def counted() -> int | None:
                passed = own_counters(self._context.root)
                return None if passed is None else passed.of(direction)

            return Iperf3Test(settings.iperf3_host, settings.iperf3_port, direction, limits, counted)
        from aldea.agents.probes.throughput.http_test import HttpTest  # noqa: PLC0415 - with http.client

        url = settings.down_url if direction is Direction.DOWN else settings.up_url
        assert url is not None
        return HttpTest(url, direction, limits, self._tls if url.startswith("https:") else None)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        import ssl  # noqa: PLC0415 - 2 MB with its certificates, for encrypted tests alone

        ca_file = self._settings.ca_file
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))

    def _reading(self, allowed: Allowed, measured: _Measured) -> Reading:
        outcome, cross = measured.outcome, measured.cross
        rate = outcome.bits_per_second
        fields: dict[str, Value] = {
            "rate_bits_per_second": None if rate is None else round(rate),
            "cross_bits_per_second": None if cross is None else round(cross),
            "link_bits_per_second": None if rate is None else round(rate + (cross or 0.0)),
            "body_bytes": outcome.body_bytes,
            "spent_bytes": outcome.spent_bytes,
            "duration_seconds": round(outcome.seconds, 3),
            "flows": self._settings.flows,
            "censored": None if rate is None else not outcome.steady,
            "size": allowed.rung.value,
            "by_hand": allowed.by_hand,
            "method": "http" if self._settings.iperf3_host is None else "iperf3",
            "failure": None if outcome.failure is None else outcome.failure.value,
        }
        return Reading(self.name, fields, {"direction": measured.direction.value})


class _SaysNothing(Exception):
    """A test that was given up does not end."""


async def _said_within(running: asyncio.Future[Outcome]) -> Outcome:
    """Return how a test that was given up ended. Raises _SaysNothing when it does not in time."""
    done, _ = await asyncio.wait({running}, timeout=ENDS_WITHIN_SECONDS)
    if not done:
        raise _SaysNothing
    return running.result()


def _cross(before: Passed | None, after: Passed | None, direction: Direction, outcome: Outcome) -> float | None:
    if before is None or after is None:
        return None
    passed, was_reset = counter_delta(before.of(direction), after.of(direction))
    if was_reset:
        return None
    return 8 * max(0, passed - outcome.own_bytes) / max(after.at_seconds - before.at_seconds, 1e-3)
