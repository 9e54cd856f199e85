"""How long a device has been running, by SNMP, and whether it began anew since it was asked last."""

from __future__ import annotations

from dataclasses import dataclass

SYS_UPTIME = "1.3.6.1.2.1.1.3.0"
"""Time since SNMP began on the device."""

HOST_UPTIME = "1.3.6.1.2.1.25.1.1.0"
"""hrSystemUptime (RFC 2790): time since the device itself began. It outlives a restart of its SNMP program, so
it comes first where there is one."""

TURN = 2**32
"""Both are counted in hundredths of a second in 32 bits: after 497 days they begin again."""

_SLACK = 3_000
"""A device's clock and ours may differ by this much, hundredths of a second, and by 1 % of the time between."""


@dataclass(frozen=True, slots=True)
class Running:
    """`restarted` is None when there is nothing to compare with."""

    uptime_seconds: int
    restarted: bool | None


class UptimeWatch:
    """Remembers the round before."""

    def __init__(self) -> None:
        self._oid = ""
        self._ticks = 0
        self._mono_ms = 0

    def seen(self, oid: str, ticks: int, mono_ms: int) -> Running:
        """Take in the object's value (hundredths of a second) and when by our own clock it was got.

        A device that began after the round before has been running for less than the time since. A counter that
        would have passed 497 days by now has begun again without the device.
        """
        elapsed = (mono_ms - self._mono_ms) // 10
        expected = self._ticks + elapsed
        slack = _SLACK + elapsed // 100
        restarted: bool | None = None
        if oid == self._oid:
            turns = max(0, round((expected - ticks) / TURN))
            if turns and abs(ticks + turns * TURN - expected) <= slack:
                ticks += turns * TURN
            restarted = ticks < self._ticks or ticks < min(elapsed, expected - slack)
        self._oid, self._ticks, self._mono_ms = oid, ticks, mono_ms
        return Running(ticks // 100, restarted)
