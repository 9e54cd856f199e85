"""One direction of a test by the program iperf3, against a real iperf3 server."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any

from aldea.agents.probes.throughput.http_test import WIRE_PER_BODY
from aldea.agents.probes.throughput.outcome import Direction, Limits, Outcome
from aldea.agents.probes.throughput.settling import Settling
from aldea.model.failures import Failure

_WINDOW_SECONDS = 0.5
"""Twice that of the HTTP test: iperf3 counts what its program has read or written, which comes in lumps."""
_CONTROL_BYTES = 12_000
_GRACE_SECONDS = 5.0
_UNREAD_SECONDS = 1.0
_LOOKS_AFTER = 10
_LOOK_SECONDS = 0.1
_STILL_RATIO = 0.1
_HEADERS = 52
_ETHERNET = 14
_USUAL_MSS = 1448
_WORDS = (
    ("server is busy", Failure.SERVER_BUSY),
    ("connection refused", Failure.CONNECTION_REFUSED),
    ("timed out", Failure.CONNECT_TIMEOUT),
    ("no route to host", Failure.NO_ROUTE),
    ("network is unreachable", Failure.NETWORK_UNREACHABLE),
    ("name or service not known", Failure.DNS_FAILED),
    ("temporary failure in name resolution", Failure.DNS_FAILED),
    ("connection reset", Failure.CONNECTION_RESET),
)

CountedBytes = Callable[[], int | None]
"""What the link's interface has carried in the test's direction so far; None when nobody can say."""


class Iperf3Test:
    """Runs in a thread of its own; `abandon` ends it from another.

    iperf3 shows its numbers at its end only (`-J`), so the interface's counter tells when it may end: settled
    there, the link is steady. Where nobody can read one, iperf3's own intervals decide afterwards. What it has cost is
    reckoned from its bytes and what it sent twice, and is never more than the interface has carried. The rate of an
    upload is the interface's too, less headers and what was sent twice: iperf3 counts what it has written, much of
    which a short test leaves in buffers, and a receiver that is interrupted sends no count of its own.
    """

    def __init__(self, host: str, port: int, direction: Direction, limits: Limits, counted: CountedBytes) -> None:
        self._host, self._port = host, port
        self._direction = direction
        self._limits = limits
        self._counted = counted
        self._process: subprocess.Popen[str] | None = None
        self._ended = threading.Event()
        self._link = Settling()

    def abandon(self) -> None:
        """End the test now; `run` returns what was measured and spent until then, within the program's grace."""
        self._ended.set()

    def run(self) -> Outcome:
        """Measure. Never raises for what the network does."""
        program = shutil.which("iperf3")
        if program is None:
            return _failed(Failure.NOT_AVAILABLE)
        body = max(1, round((self._limits.wire_bytes - _CONTROL_BYTES) / WIRE_PER_BODY))
        command = [program, "-J", "-c", self._host, "-p", str(self._port), "-P", str(self._limits.flows)]
        command += ["-n", str(body), "-l", "16K", "-i", str(_WINDOW_SECONDS)]
        command += ["--connect-timeout", str(round(self._limits.connect_seconds * 1000))]
        command += ["-R"] if self._direction is Direction.DOWN else []
        started, passed = perf_counter(), self._counted()
        self._process = subprocess.Popen(  # noqa: S603 - the program is named here, host and port by the settings
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        text = self._watched(self._process, started)
        seconds, now = perf_counter() - started, self._counted_at_rest()
        return self._outcome(text, seconds, None if now is None or passed is None else now - passed)

    def _watched(self, process: subprocess.Popen[str], started: float) -> str:
        """Interrupt the program when the link's rate has settled or the time is over; return what it says."""
        gathered: list[str] = []
        reader = threading.Thread(target=lambda: gathered.append(process.communicate()[0] or ""), daemon=True)
        reader.start()
        settling, before, began = self._link, self._counted(), started
        while reader.is_alive() and not settling.is_settled and perf_counter() - started < self._limits.seconds:
            if self._ended.is_set():
                break
            reader.join(_WINDOW_SECONDS)
            now, moment = self._counted(), perf_counter()
            if now is not None and before is not None and now >= before:
                settling.add(now - before, moment - began)
            before, began = now, moment
        if reader.is_alive():
            process.send_signal(signal.SIGINT)
            reader.join(_GRACE_SECONDS)
        if reader.is_alive():
            process.kill()
            reader.join(_GRACE_SECONDS)
        return "".join(gathered)

    def _counted_at_rest(self) -> int | None:
        """Return the counter once what was on its way, or in the kernel's buffers, has passed too; within a second."""
        seen = self._counted()
        still = self._link.fastest_bits_per_second / 8 * _LOOK_SECONDS * _STILL_RATIO
        for _ in range(_LOOKS_AFTER):
            time.sleep(_LOOK_SECONDS)
            before, seen = seen, self._counted()
            if before is None or seen is None or seen - before <= still:
                break
        return seen

    def _outcome(self, text: str, seconds: float, carried: int | None) -> Outcome:
        try:
            found: dict[str, Any] = json.loads(text[text.index("{") :])
        except ValueError:
            return _failed(self._word(""), self._untold(carried))
        parts = [item["sum"] for item in found.get("intervals", ()) if item["sum"]["seconds"] > _WINDOW_SECONDS / 2]
        body = sum(int(item["sum"]["bytes"]) for item in found.get("intervals", ()))
        parts = parts or _whole(found, body, seconds)
        settling = Settling()
        for part in parts:
            settling.add(int(part["bytes"]), float(part["seconds"]))
        if body == 0:
            return _failed(self._word(str(found.get("error", ""))), _CONTROL_BYTES)
        again = sum(int(item["sum"].get("retransmits", 0)) for item in found.get("intervals", ()))
        mss = max(1, int(found.get("start", {}).get("tcp_mss_default") or _USUAL_MSS))
        segments = body / mss + again
        own = round(body + again * mss + segments * _HEADERS) + _CONTROL_BYTES // 2
        if carried is not None and 0 <= carried < own:
            own = carried  # what iperf3 had written, and was not sent when it ended
            body = min(body, max(0, round((carried - _CONTROL_BYTES // 2) * _payload(mss)) - again * mss))
        elif carried is not None and self._direction is Direction.DOWN:
            # What had come, or was coming, and iperf3 had not read when it ended. More than that is somebody else's.
            own = min(carried, own + round(self._link.fastest_bits_per_second / 8 * _UNREAD_SECONDS))
        rate = settling.bits_per_second
        if self._direction is Direction.UP and self._link.is_settled and self._link.bits_per_second is not None:
            rate = self._link.bits_per_second * _payload(mss) * (1 - _lost(parts[-self._link.windows :], mss))
        return Outcome(
            bits_per_second=rate,
            steady=self._link.is_settled or settling.is_settled,
            body_bytes=body,
            spent_bytes=own + round(segments / 2 * _HEADERS) + _CONTROL_BYTES // 2,
            own_bytes=own,
            seconds=seconds,
            failure=None,
        )

    def _untold(self, carried: int | None) -> int:
        """Return what a test that said nothing may have cost: never less than it has."""
        most = self._limits.wire_bytes
        if carried is not None:
            return min(max(_CONTROL_BYTES, carried), most)
        was_killed = self._process is not None and (self._process.returncode or 0) < 0
        return most if was_killed else _CONTROL_BYTES

    def _word(self, sentence: str) -> Failure:
        if self._ended.is_set():
            return Failure.INTERRUPTED
        lowered = sentence.lower()
        known = next((failure for words, failure in _WORDS if words in lowered), None)
        if known is not None:
            return known
        try:
            socket.getaddrinfo(self._host, self._port)
        except (OSError, UnicodeError):
            return Failure.DNS_FAILED  # of a name without an address iperf3 says "invalid argument"
        return Failure.NO_REPLY if lowered else Failure.UNKNOWN


def _whole(found: Mapping[str, Any], body: int, seconds: float) -> list[Mapping[str, Any]]:
    """Return a test that was over within half a window, as its receiver has counted it.

    A receiver that was told of the end before it had read all counts less; then the program's whole time stands for
    it: the link is at least that fast.
    """
    received: Mapping[str, Any] = found.get("end", {}).get("sum_received", {})
    counted = received.get("bytes", 0) >= body > 0 and received.get("seconds", 0) > 0
    return [received] if counted else [{"bytes": body, "seconds": seconds}]


def _lost(parts: Sequence[Mapping[str, Any]], mss: int) -> float:
    """Return which part of what was sent is lost all the time.

    By the median of intervals: what overflowed a queue at the start was lost before the rate settled, and is sent
    again in the first intervals after it.
    """
    lost = sorted(min(1.0, int(part.get("retransmits", 0)) * mss / max(1, int(part["bytes"]))) for part in parts)
    return lost[(len(lost) - 1) // 2] if lost else 0.0


def _payload(mss: int) -> float:
    """Return how much of a full segment, as the interface counts it, is not headers."""
    return mss / (mss + _HEADERS + _ETHERNET)


def _failed(failure: Failure, spent_bytes: int = 0) -> Outcome:
    return Outcome(None, False, 0, spent_bytes, spent_bytes // 2, 0.0, failure)  # noqa: FBT003 - not steady
