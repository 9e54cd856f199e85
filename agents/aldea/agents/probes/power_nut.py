"""A UPS that Network UPS Tools watches, asked by its program `upsc` (names of variables: NUT's nut-names page)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aldea.agents.probes.power_reading import PowerFailed, believable
from aldea.model.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aldea.agents.device_settings import NutUps
    from aldea.model.sample import Value

PROGRAM = "upsc"
_MOST_BYTES = 100_000
_ERRORS = (
    ("connection refused", Failure.CONNECTION_REFUSED),
    ("no such host", Failure.DNS_FAILED),
    ("unreachable", Failure.HOST_UNREACHABLE),
    ("timed out", Failure.CONNECT_TIMEOUT),
    ("access denied", Failure.PERMISSION_DENIED),
    # upsd answers, but its driver or the cable to the UPS does not.
    ("data stale", Failure.NO_REPLY),
    ("driver not connected", Failure.NO_REPLY),
    ("unknown ups", Failure.NOT_AVAILABLE),
)


class NutSource:
    """One UPS of one upsd."""

    def __init__(self, ups: NutUps, timeout_seconds: float) -> None:
        self.name = ups.name or ups.ups
        self._address = f"{ups.ups}@{ups.host}:{ups.port}"
        self._timeout_seconds = timeout_seconds

    async def read(self) -> dict[str, Value]:
        """Return what NUT says of it. Raises PowerFailed."""
        return fields_of(parse_upsc(await self._output()))

    def close(self) -> None:
        """Nothing is held."""

    async def _output(self) -> str:
        try:
            process = await asyncio.create_subprocess_exec(
                PROGRAM,
                self._address,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin"},
            )
        except OSError as error:
            raise PowerFailed(Failure.NOT_AVAILABLE, f"{PROGRAM} can't be run: {error}; install nut-client") from None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                said, complaint = await process.communicate()
        except TimeoutError:
            raise PowerFailed(Failure.READ_TIMEOUT, f"{self._address} does not answer") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            words = complaint.decode("utf-8", "replace").strip()
            raise PowerFailed(failure_in(words), f"{self._address}: {words[-200:]}")
        return said[:_MOST_BYTES].decode("utf-8", "replace")


def failure_in(complaint: str) -> Failure:
    """Return the word for what upsc complains about."""
    low = complaint.lower()
    return next((failure for words, failure in _ERRORS if words in low), Failure.UNKNOWN)


def parse_upsc(text: str) -> dict[str, str]:
    """Read `name: value` lines."""
    pairs = (line.partition(": ") for line in text.splitlines())
    return {name.strip(): value.strip() for name, found, value in pairs if found}


def fields_of(said: Mapping[str, str]) -> dict[str, Value]:
    """Return the fields in NUT's variables. Raises PowerFailed when it has no status of the UPS."""
    words = said.get("ups.status", "").split()
    if not {"OL", "OB"} & set(words):
        raise PowerFailed(Failure.NO_REPLY, f"NUT says {said.get('ups.status', 'nothing')!r} of the UPS's state")
    charge = _number(said.get("battery.charge"))
    flags: dict[str, Value] = {"on_battery": "OB" in words, "mains": "OL" in words, "battery_low": "LB" in words}
    return flags | believable(
        {
            "battery_charge_ratio": None if charge is None else charge / 100,
            "battery_voltage_volts": _number(said.get("battery.voltage")),
            "input_voltage_volts": _number(said.get("input.voltage", said.get("input.L1-N.voltage"))),
            "runtime_seconds": _number(said.get("battery.runtime")),
            "uptime_seconds": _number(said.get("device.uptime")),
        }
    )


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
