"""This machine's own supplies and batteries, as Linux shows them in /sys/class/power_supply.

Units there are micro: µV, µA, µW, µWh, µAh (the kernel's documentation, power/power_supply_class).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.agents.probes.power_reading import PowerFailed, believable
from aldea.model.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aldea.model.sample import Value

_BATTERIES = {"Battery", "UPS"}
_MICRO = 1e-6


class MachineSource:
    """`root` is where /sys is."""

    name = "machine"

    def __init__(self, root: Path) -> None:
        self._folder = root / "sys/class/power_supply"

    async def read(self) -> dict[str, Value]:
        """Return what the supplies say together. Raises PowerFailed where there is none."""
        supplies = [supply for supply in map(_Supply, sorted(self._folder.glob("*"))) if supply.counts]
        if not supplies:
            raise PowerFailed(Failure.NOT_AVAILABLE, "this machine shows no supply and no battery")
        batteries = [supply for supply in supplies if supply.kind in _BATTERIES]
        plugs = [supply for supply in supplies if supply.kind not in _BATTERIES]
        fields: dict[str, Value] = {}
        mains = _any([supply.number("online") for supply in plugs])
        if not batteries and not mains:  # it runs all the same, so what feeds it is none of these sockets
            raise PowerFailed(Failure.NOT_AVAILABLE, "this machine shows no battery, and no supply that feeds it")
        discharging = [supply.text("status") == "Discharging" for supply in batteries if supply.text("status")]
        if mains is not None:
            fields["mains"] = mains
            fields["on_battery"] = not mains
        elif discharging:
            fields["on_battery"] = any(discharging)
        return fields | believable(
            {
                "battery_charge_ratio": _charge(batteries),
                "battery_voltage_volts": _first(batteries, "voltage_now"),
                "input_voltage_volts": _first([plug for plug in plugs if plug.number("online")], "voltage_now"),
                "runtime_seconds": _runtime(batteries) if any(discharging) else None,
            }
        )

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class _Supply:
    folder: Path

    @property
    def kind(self) -> str:
        return self.text("type") or ""

    @property
    def counts(self) -> bool:
        """Whether it feeds this machine: not a mouse's battery, and not a bay without one."""
        return bool(self.kind) and self.text("scope") != "Device" and self.text("present") != "0"

    def text(self, name: str) -> str | None:
        try:
            return (self.folder / name).read_text(encoding="ascii", errors="replace").strip()
        except OSError:  # drivers answer with ENODATA for what they can't tell just now
            return None

    def number(self, name: str) -> int | None:
        try:
            return int(self.text(name) or "")
        except ValueError:
            return None


def _any(online: Sequence[int | None]) -> bool | None:
    known = [bool(value) for value in online if value is not None]
    return any(known) if known else None


def _first(supplies: Sequence[_Supply], name: str) -> float | None:
    found = next((value for value in (supply.number(name) for supply in supplies) if value is not None), None)
    return None if found is None else found * _MICRO


def _pairs(batteries: Sequence[_Supply], first: str, second: str) -> list[tuple[int, int]]:
    pairs = [(battery.number(first), battery.number(second)) for battery in batteries]
    return [(one, two) for one, two in pairs if one is not None and two is not None]


def _charge(batteries: Sequence[_Supply]) -> float | None:
    """Return how full they are together, 0 to 1: by what they hold, else by what they say."""
    for kind in ("energy", "charge"):
        pairs = _pairs(batteries, f"{kind}_now", f"{kind}_full")
        full = sum(two for _, two in pairs)
        if full > 0 and len(pairs) == len(batteries):
            return min(1.0, sum(one for one, _ in pairs) / full)
    said = [value for value in (battery.number("capacity") for battery in batteries) if value is not None]
    return sum(said) / len(said) / 100 if said else None


def _runtime(batteries: Sequence[_Supply]) -> float | None:
    """Return the seconds until they are empty: as they say, else what they hold over what they give."""
    said = [value for value in (battery.number("time_to_empty_now") for battery in batteries) if value]
    if said:
        return float(sum(said))
    for held, given in (("energy_now", "power_now"), ("charge_now", "current_now")):
        pairs = _pairs(batteries, held, given)
        drawn = sum(abs(two) for _, two in pairs)
        if drawn > 0:
            return 3600 * sum(one for one, _ in pairs) / drawn
    return None
