"""Counts what the agent itself sends and receives over the site's link, besides the tests."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from aldea.model.sample import Reading, Value

_ECHO_BYTES = 44
_TCP_PROBE_BYTES = 220
_DNS_BYTES = 180
_HTTP_BYTES = 1_000
_HTTPS_BYTES = 5_000
_PAYLOAD_RATIO = 0.95


class Meter:
    """A sum that any thread adds to, and one takes from."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0

    def add(self, count: int) -> None:
        """Count so many bytes."""
        with self._lock:
            self._bytes += count

    def waiting(self) -> int:
        """Return what was counted since the last time it was taken, and leave it."""
        with self._lock:
            return self._bytes

    def take(self) -> int:
        """Return what was counted since the last time."""
        with self._lock:
            taken, self._bytes = self._bytes, 0
            return taken


def wan_bytes_of(reading: Reading) -> int:
    """Return about what it cost to measure a reading, in bytes on the site's link; none for what stays inside the site.

    An echo is 20 bytes of IP, 8 of ICMP and 16 of payload each way, a TCP knock about 220, a name 180, a page
    1,000 and its body (5,000 with TLS). What the tests cost is booked by themselves.
    """
    fields = reading.fields
    if reading.measurement == "ping" and reading.tags.get("role") != "gateway":
        if fields.get("method") == "tcp":
            return _TCP_PROBE_BYTES * _number(fields, "sent")
        return _ECHO_BYTES * (_number(fields, "sent") + _number(fields, "received"))
    if reading.measurement == "dns":
        return _DNS_BYTES
    if reading.measurement == "http":
        fixed = _HTTPS_BYTES if reading.tags.get("target", "").startswith("https:") else _HTTP_BYTES
        return fixed + round(_number(fields, "body_bytes") / _PAYLOAD_RATIO)
    return 0


def _number(fields: Mapping[str, Value], name: str) -> int:
    value = fields.get(name)
    return int(value) if isinstance(value, int | float) else 0
