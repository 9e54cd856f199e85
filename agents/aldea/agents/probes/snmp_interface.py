"""One interface of a router: what passed through it since the round before (IF-MIB, RFC 2863)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.agents.probes.snmp_client import SnmpError
from aldea.model.counters import counter_delta, wrapping_delta
from aldea.model.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aldea.agents.probes.snmp_client import SnmpClient
    from aldea.agents.probes.snmp_client import Value as Answer
    from aldea.model.clock import Clock
    from aldea.model.sample import Value

_ENTRY = "1.3.6.1.2.1.2.2.1"
_EXTENDED = "1.3.6.1.2.1.31.1.1.1"
IF_DESCR = f"{_ENTRY}.2"
IF_SPEED = f"{_ENTRY}.5"
IF_OPER_STATUS = f"{_ENTRY}.8"
IF_IN_OCTETS = f"{_ENTRY}.10"
IF_OUT_OCTETS = f"{_ENTRY}.16"
IF_NAME = f"{_EXTENDED}.1"
IF_HC_IN_OCTETS = f"{_EXTENDED}.6"
IF_HC_OUT_OCTETS = f"{_EXTENDED}.10"
IF_HIGH_SPEED = f"{_EXTENDED}.15"
IF_ALIAS = f"{_EXTENDED}.18"
IF_DISCONTINUITY = f"{_EXTENDED}.19"
_NAMES = (IF_NAME, IF_DESCR, IF_ALIAS)
_COLUMNS = (
    *_NAMES,
    IF_OPER_STATUS,
    IF_HC_IN_OCTETS,
    IF_HC_OUT_OCTETS,
    IF_IN_OCTETS,
    IF_OUT_OCTETS,
    IF_SPEED,
    IF_HIGH_SPEED,
    IF_DISCONTINUITY,
)
_KINDS = {64: (IF_HC_IN_OCTETS, IF_HC_OUT_OCTETS), 32: (IF_IN_OCTETS, IF_OUT_OCTETS)}
"""The columns of bytes in and out, by their bits."""
_UP = 1
_UNKNOWN_SPEED = 2**32 - 1
_ASSUMED_SPEED = 100_000_000
"""Bits a second that an interface which does not tell its speed may carry: more is a reset, not a wrap."""
_MOST_INTERFACES = 1_000


@dataclass(frozen=True, slots=True)
class Counters:
    """An interface's counters at a moment. `begun`: when they last began anew, where the device tells."""

    index: int
    bits: int
    rx: int
    tx: int
    mono_ms: int
    begun: int | None = None
    bits_per_second: int | None = None


class InterfaceReader:
    """Reads the first of `names` that the device has: ifName, ifDescr or ifAlias; else the first is an ifIndex."""

    def __init__(self, client: SnmpClient, clock: Clock, names: Sequence[str]) -> None:
        self._client = client
        self._clock = clock
        self._names = names
        self._number = int(names[0]) if names[0].isascii() and names[0].isdigit() else None
        self._index: int | None = None
        self._by_number = False
        self._before: Counters | None = None
        self.name = names[0]

    async def read(self, *, restarted: bool | None) -> dict[str, Value]:
        """Return status, totals, and what passed since the round before that was answered.

        `restarted`: whether the device began anew since then. Raises SnmpError, OSError.
        """
        row = await self._row()
        counters = _counters(row, self._index or 0, self._clock.mono_ms())
        before, self._before = self._before, counters
        status = row.get(IF_OPER_STATUS)
        return {"up": None if status is None else status == _UP, **passed(before, counters, restarted=restarted)}

    async def _row(self) -> Mapping[str, Answer]:
        """Return the interface's objects by column, looked up anew when its number now carries another name."""
        if self._index is not None:
            row = await self._ask(self._index)
            if self._by_number or any(_is_name(row.get(column), self.name) for column in _NAMES):
                return row
        self._index = None
        self.name, self._index = await self._find()
        return await self._ask(self._index)

    async def _ask(self, index: int) -> Mapping[str, Answer]:
        found = await self._client.get([f"{column}.{index}" for column in _COLUMNS])
        return {oid.rpartition(".")[0]: value for oid, value in found.items()}

    async def _find(self) -> tuple[str, int]:
        for name in self._names:
            for column in _NAMES:
                for oid, value in (await self._walked(column)).items():
                    if _is_name(value, name):
                        return name, int(oid.rpartition(".")[2])
        if self._number is not None:
            self._by_number = True
            return self._names[0], self._number
        raise SnmpError(Failure.SNMP_NO_SUCH_OBJECT, f"interface {' or '.join(self._names)} is not there")

    async def _walked(self, column: str) -> Mapping[str, Answer]:
        """Return the interfaces' names; none where a device cannot tell them and a number will do."""
        try:
            return await self._client.walk(column, _MOST_INTERFACES)
        except SnmpError as error:
            if self._number is None or error.failure is not Failure.SNMP_ERROR:
                raise
            return {}


def _is_name(value: Answer | None, name: str) -> bool:
    """Say whether an answer is this name; one of digits alone is told as a number."""
    if isinstance(value, int):
        return name.isascii() and name.isdigit() and int(name) == value
    return value == name


def _counters(row: Mapping[str, Answer], index: int, mono_ms: int) -> Counters:
    """Return the 64-bit counters, or those of 32 bits where a device has no others that count. Raises SnmpError."""
    begun = row.get(IF_DISCONTINUITY)
    for bits, (rx_column, tx_column) in _KINDS.items():
        rx, tx = row.get(rx_column), row.get(tx_column)
        if isinstance(rx, int) and isinstance(tx, int) and not (bits == 64 and _stands_still(row)):
            at = begun if isinstance(begun, int) else None
            return Counters(index, bits, rx, tx, mono_ms, at, _speed(row))
    raise SnmpError(Failure.SNMP_NO_SUCH_OBJECT, f"interface {index} has no byte counters")


def _stands_still(row: Mapping[str, Answer]) -> bool:
    """Say whether a 64-bit counter is 0 beside one of 32 bits that is not: some devices show it and never count."""
    pairs = zip(_KINDS[64], _KINDS[32], strict=True)
    return any(row.get(large) == 0 and bool(row.get(small)) for large, small in pairs)


def _speed(row: Mapping[str, Answer]) -> int | None:
    mega, plain = row.get(IF_HIGH_SPEED), row.get(IF_SPEED)
    if isinstance(mega, int) and mega > 0:
        return mega * 1_000_000
    return plain if isinstance(plain, int) and 0 < plain < _UNKNOWN_SPEED else None


def passed(before: Counters | None, now: Counters, *, restarted: bool | None) -> dict[str, Value]:
    """Return the totals, and what passed since `before`; the totals alone when the two can't be compared."""
    fields: dict[str, Value] = {"rx_bytes_total": now.rx, "tx_bytes_total": now.tx}
    if before is None or (before.index, before.bits) != (now.index, now.bits):
        return fields
    seconds = (now.mono_ms - before.mono_ms) / 1000
    begun_anew = bool(restarted) or (None not in (before.begun, now.begun) and before.begun != now.begun)
    most = int((now.bits_per_second or _ASSUMED_SPEED) / 8 * seconds * 1.1) + 1
    # A 32-bit counter that went down wrapped only if the device surely kept running; else it is never overcounted.
    may_wrap = now.bits == 32 and restarted is False
    deltas = []
    for old, new in ((before.rx, now.rx), (before.tx, now.tx)):
        if begun_anew:
            deltas.append((new, True))
        elif may_wrap:
            deltas.append(wrapping_delta(old, new, most))
        else:
            deltas.append(counter_delta(old, new))
    return {
        **fields,
        "rx_bytes": deltas[0][0],
        "tx_bytes": deltas[1][0],
        "interval_seconds": seconds,
        "counter_reset": deltas[0][1] or deltas[1][1],
    }
