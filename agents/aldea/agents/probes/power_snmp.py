"""A UPS with a network card, asked by SNMP for the objects of its profile. Loaded only when used."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aldea.agents.probes.power_reading import LIVE_VOLTS, PowerFailed, believable
from aldea.agents.probes.snmp_client import SnmpClient, SnmpError
from aldea.agents.probes.snmp_uptime import SYS_UPTIME, UptimeWatch
from aldea.agents.snmp_profiles import load_profile
from aldea.model.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aldea.agents.device_settings import SnmpUps
    from aldea.agents.probes.snmp_client import Value as Answer
    from aldea.agents.snmp_profiles import UpsObject
    from aldea.model.clock import Clock
    from aldea.model.sample import Value

log = logging.getLogger(__name__)

_MOST_LINES = 12


class SnmpSource:
    """One UPS. Its card lives on the UPS's own power: when it begins anew, the UPS was out."""

    def __init__(self, ups: SnmpUps, timeout_seconds: float, retries: int, clock: Clock) -> None:
        self.name = ups.name or ups.host
        self._client = SnmpClient(ups, timeout_seconds, retries)
        self._objects = load_profile(ups.profile).ups
        self._uptime = UptimeWatch()
        self._clock = clock

    async def read(self) -> dict[str, Value]:
        """Return what the UPS says. Raises PowerFailed, OSError."""
        try:
            answers = await self._answers()
        except SnmpError as error:
            raise PowerFailed(error.failure, str(error)) from error
        ticks = answers.get(SYS_UPTIME)
        up = self._uptime.seen(SYS_UPTIME, ticks, self._clock.mono_ms()) if isinstance(ticks, int) else None
        fields = ups_fields(self._objects, answers)
        if up is not None:
            fields["uptime_seconds"] = up.uptime_seconds
        if "on_battery" not in fields:
            raise PowerFailed(Failure.SNMP_NO_SUCH_OBJECT, "it does not say where its output comes from", fields)
        return fields

    def close(self) -> None:
        """Close the socket."""
        self._client.close()

    async def _answers(self) -> dict[str, Answer]:
        single = [item.oid for item in self._objects if not item.is_column]
        answers = await self._client.get([SYS_UPTIME, *single])
        for item in self._objects:
            if item.is_column:
                answers[item.oid] = await self._first_of(item.oid)
        return answers

    async def _first_of(self, column: str) -> Answer:
        """Return a column's first row. A card that does not say it has said more important things before."""
        try:
            return next(iter((await self._client.walk(column, _MOST_LINES)).values()), None)
        except SnmpError as error:
            log.info("power source %s: %s", self.name, error)
            return None


def ups_fields(objects: Sequence[UpsObject], answers: Mapping[str, Answer]) -> dict[str, Value]:
    """Return the fields that the answers hold; what a UPS does not know is not there."""
    fields: dict[str, Value] = {}
    numbers: dict[str, float | None] = {}
    for item in objects:
        answer = answers.get(item.oid)
        if not isinstance(answer, int):
            continue
        if item.scale is not None:
            numbers[item.field] = answer * item.scale
        elif answer in item.yes or answer in item.no:
            fields[item.field] = answer in item.yes
    fields |= believable(numbers)
    if "on_battery" not in fields and "on_battery_seconds" in fields:
        fields["on_battery"] = bool(fields["on_battery_seconds"])  # zero when not on battery, by the MIB
    if not fields.get("on_battery") and fields.get("runtime_seconds") == 0:
        del fields["runtime_seconds"]  # cards that can't tell say 0
    _tell_mains(fields)
    return fields


def _tell_mains(fields: dict[str, Value]) -> None:
    """Add whether there is mains power, by the input's voltage; take that away where it can't be."""
    volts = fields.get("input_voltage_volts")
    if not isinstance(volts, int | float):
        return
    if volts >= LIVE_VOLTS or fields.get("on_battery"):
        fields["mains"] = volts >= LIVE_VOLTS
    else:
        del fields["input_voltage_volts"]  # an output that is not the battery's has an input: the card can't tell
