"""One direction of a test by HTTP: parallel flows, watched window by window until the rate has settled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from aldea.agents.probes.throughput.http_flow import Flow
from aldea.agents.probes.throughput.outcome import Direction, Limits, Outcome
from aldea.agents.probes.throughput.settling import Settling
from aldea.agents.probes.throughput.under_way import (
    ACKNOWLEDGED_LATE_BYTES,
    END_BYTES,
    KNOCK_BYTES,
    WAIT_SECONDS,
    Arrivals,
    Knock,
    bytes_under_way,
)
from aldea.model.failures import Failure

if TYPE_CHECKING:
    import ssl

LEAST_WINDOW_SECONDS = 0.25
WIRE_PER_BODY = 1.1
"""Headers, answers and what is sent twice, beside the body. Measured over a shaped link: 1.04 to 1.07."""
FLOW_BYTES = 6_000
"""A flow's opening: TCP and TLS handshake, and the request."""


class HttpTest:
    """Runs in a thread of its own; `abandon` ends it from another."""

    def __init__(self, url: str, direction: Direction, limits: Limits, tls: ssl.SSLContext | None) -> None:
        body = max(0, round((limits.wire_bytes - limits.flows * FLOW_BYTES) / WIRE_PER_BODY))
        share = max(1, body // limits.flows)
        secure = tls if url.startswith("https:") else None
        self._direction = direction
        self._limits = limits
        address = _sized(url)
        self._flows = [
            Flow(address, direction, share, limits.connect_seconds, limits.seconds, secure) for _ in range(limits.flows)
        ]
        self._ended = threading.Event()
        self._abandoned = False
        self._arrivals = Arrivals()

    def abandon(self) -> None:
        """End the test now; `run` returns what was measured and spent until then."""
        self._abandoned = True
        self._ended.set()
        for flow in self._flows:
            flow.stop()

    def run(self) -> Outcome:
        """Measure. Never raises for what the network does."""
        self._connect()
        failure = self._failure()
        if failure is not None:
            return self._outcome(Settling(), 0.0, failure, in_flight=0)
        threads = [threading.Thread(target=self._carry, args=(flow,), daemon=True) for flow in self._flows]
        rtt = max((flow.info.rtt_seconds for flow in self._flows if flow.info is not None), default=0.0)
        settling = Settling()
        started = perf_counter()
        self._arrivals.add(started, self._received())
        for thread in threads:
            thread.start()
        self._watch(settling, threads, started, max(LEAST_WINDOW_SECONDS, rtt))
        seconds = perf_counter() - started
        # Who was abandoned was cut, however soon its threads have ended since.
        cut_short = self._abandoned or any(thread.is_alive() for thread in threads)
        self._arrivals.add(started + seconds, self._received())
        for flow in self._flows:
            flow.stop()
        for thread in threads:
            thread.join(self._limits.connect_seconds)
        was_cut = cut_short and self._direction is Direction.DOWN
        knock = self._knock() if was_cut else None
        for flow in self._flows:
            flow.close()
        in_flight = self._in_flight(knock, settling, rtt) if was_cut else 0
        failure = self._failure()
        if failure is None and not any(flow.arrived_bytes for flow in self._flows):
            failure = Failure.READ_TIMEOUT
        return self._outcome(settling, seconds, failure, in_flight)

    def _connect(self) -> None:
        """Open all connections at once: one after the other takes seconds each over a satellite."""
        openers = [threading.Thread(target=flow.connect, daemon=True) for flow in self._flows]
        for thread in openers:
            thread.start()
        for thread in openers:
            thread.join()

    def _failure(self) -> Failure | None:
        """Return the first flow's failure that has one; who was abandoned before anything arrived has not failed."""
        failure = next((flow.failure for flow in self._flows if flow.failure is not None), None)
        if failure is None and self._abandoned and not any(flow.arrived_bytes for flow in self._flows):
            return Failure.INTERRUPTED
        return failure

    def _carry(self, flow: Flow) -> None:
        flow.run()
        if flow.failure is not None:
            self._ended.set()

    def _watch(self, settling: Settling, threads: Sequence[threading.Thread], started: float, window: float) -> None:
        """Look at the end of each window, until it is settled, over, or has taken too long."""
        before, began = 0, started
        while any(thread.is_alive() for thread in threads):
            left = self._limits.seconds - (perf_counter() - started)
            if left <= 0 or self._ended.wait(min(window, left)):
                return
            arrived, now = sum(flow.arrived_bytes for flow in self._flows), perf_counter()
            if not all(thread.is_alive() for thread in threads):
                # A flow that has had its share no longer fills the link: this window is not like the others.
                if settling.bits_per_second is None:
                    settling.add(arrived, now - started)
                return
            settling.add(arrived - before, now - began)
            before, began = arrived, now
            self._arrivals.add(now, self._received())
            # The body's share leaves room for headers; a bad link sends much twice, and small objects are all headers.
            if settling.is_settled or self._wire_bytes() >= self._limits.wire_bytes:
                return

    def _wire_bytes(self) -> int:
        """Return what the kernel has counted so far."""
        return sum(info.wire_bytes for flow in self._flows if (info := flow.info) is not None)

    def _received(self) -> int:
        return sum(info.received_wire_bytes for flow in self._flows if (info := flow.info) is not None)

    def _knock(self) -> Knock | None:
        place = next((flow.place for flow in self._flows if flow.place is not None), None)
        with suppress(OSError):  # no handle is left
            return None if place is None else Knock(*place)
        return None

    def _in_flight(self, knock: Knock | None, settling: Settling, idle_seconds: float) -> int:
        """Return about what was still on its way when the connections were cut, and crosses the link all the same."""
        unsent = sum(flow.share_bytes - flow.body_bytes for flow in self._flows)
        answered = None if knock is None else knock.answer_seconds()
        if answered is None:
            infos = [flow.info for flow in self._flows]
            answered = min(WAIT_SECONDS, max((info.rtt_seconds for info in infos if info is not None), default=0.0))
        coming = bytes_under_way(self._arrivals, answered, idle_seconds, has_begun=settling.has_begun)
        return min(max(0, round(unsent * WIRE_PER_BODY)), coming) + KNOCK_BYTES

    def _outcome(self, settling: Settling, seconds: float, failure: Failure | None, in_flight: int) -> Outcome:
        infos = [flow.info for flow in self._flows]
        for flow in self._flows:
            flow.close()
        body = sum(flow.arrived_bytes for flow in self._flows)
        known = [info for info in infos if info is not None]
        down, up = sum(info.received_wire_bytes for info in known), sum(info.sent_wire_bytes for info in known)
        up += END_BYTES * len(known)
        if self._direction is Direction.UP:
            down += ACKNOWLEDGED_LATE_BYTES * sum(info.unacked_segments for info in known)
        if len(known) < len(infos):
            down, up = round(body * WIRE_PER_BODY), round(body * (WIRE_PER_BODY - 1))
        return Outcome(
            bits_per_second=None if failure is not None else settling.bits_per_second,
            steady=failure is None and settling.is_settled,
            body_bytes=body,
            spent_bytes=down + up + in_flight,
            own_bytes=(down if self._direction is Direction.DOWN else up) + in_flight,
            seconds=seconds,
            failure=failure,
        )


def _sized(url: str) -> Callable[[int], SplitResult]:
    """Return the address for so many bytes: `{bytes}` in it stands for them."""
    return lambda count: urlsplit(url.replace("{bytes}", str(count)))
