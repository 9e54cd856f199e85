"""`host`: the machine the agent runs on."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from aldea.agents.machine import clock_state
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aldea.agents.probe import ProbeContext
    from aldea.agents.probe_settings import HostSettings
    from aldea.model.sample import Value


class HostProbe:
    """Uptime, load, memory, disk, temperature and the state of the clock. What is not known is None."""

    name = "host"

    def __init__(self, _settings: HostSettings, context: ProbeContext) -> None:
        self._context = context

    async def measure(self) -> Sequence[Reading]:
        """Return one reading."""
        clock, root = self._context.clock, self._context.root
        fields: dict[str, Value] = {
            "uptime_seconds": clock.mono_ms() // 1000,
            "load1": round(os.getloadavg()[0], 2),
            **_memory(root),
            **disk_fields(self._context.data),
            "temperature_celsius": _temperature_celsius(root),
            "clock": clock_state(clock, root).value,
            "failure": None,
        }
        return [Reading(self.name, fields)]

    async def aclose(self) -> None:
        """Nothing is held."""


def _memory(root: Path) -> dict[str, Value]:
    """Read /proc/meminfo; in use is what could not be given to a new program."""
    amounts = {}
    try:
        for line in (root / "proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, amount = line.partition(":")
            amounts[name] = int(amount.split()[0]) * 1024
        total, available = amounts["MemTotal"], amounts["MemAvailable"]
        return {"memory_total_bytes": total, "memory_used_ratio": round(1 - available / total, 4)}
    except (OSError, LookupError, ValueError, ZeroDivisionError):
        return {"memory_total_bytes": None, "memory_used_ratio": None}


def disk_fields(folder: Path) -> dict[str, Value]:
    """Read the disk of `folder`, or of its nearest parent that exists."""
    existing = next((path for path in (folder, *folder.absolute().parents) if path.exists()), None)
    try:
        usage = shutil.disk_usage(existing or "/")
        # As df: what only root may fill counts as used.
        return {
            "disk_free_bytes": usage.free,
            "disk_used_ratio": round(usage.used / (usage.used + usage.free), 4),
        }
    except (OSError, ZeroDivisionError):
        return {"disk_free_bytes": None, "disk_used_ratio": None}


def _temperature_celsius(root: Path) -> float | None:
    """Return the hottest thermal zone, or the hottest sensor where there are no zones.

    Readings outside -40 to 150 come from sensors that are not connected.
    """
    for pattern in ("sys/class/thermal/thermal_zone*/temp", "sys/class/hwmon/hwmon*/temp*_input"):
        found = [value for path in root.glob(pattern) if (value := _degrees(path)) is not None]
        if found:
            return round(max(found), 1)
    return None


def _degrees(path: Path) -> float | None:
    try:
        value = int(path.read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None
    return value if -40 <= value <= 150 else None
