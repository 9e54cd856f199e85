"""`interfaces`: byte counters of this machine's network interfaces, from /sys/class/net."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from aldea.model.counters import counter_delta
from aldea.model.failures import Failure
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aldea.agents.probe import ProbeContext
    from aldea.agents.probe_settings import InterfacesSettings
    from aldea.model.sample import Value

_IFF_UP = 1


@dataclass(frozen=True, slots=True)
class _Counters:
    """What one interface showed. `index` tells a new interface from the old one of the same name."""

    index: int
    rx: int
    tx: int
    up: bool
    mono_ms: int


class InterfacesProbe:
    """Totals and what passed since the round before; the first round knows no interval.

    An interface that has gone is said once (`not_available`), then not measured until it is back.
    """

    name = "interfaces"

    def __init__(self, settings: InterfacesSettings, context: ProbeContext) -> None:
        self._settings = settings
        self._context = context
        self._before: dict[str, _Counters] = {}

    async def measure(self) -> Sequence[Reading]:
        """Return a reading for each interface, by name."""
        now = self._all_counters()
        readings = []
        for name in sorted(now.keys() | self._before.keys()):
            counters = now.get(name)
            if counters is None:
                fields: dict[str, Value] = {"up": False, "failure": Failure.NOT_AVAILABLE.value}
            else:
                fields = _fields(self._before.get(name), counters)
            readings.append(Reading(self.name, fields, {"interface": name}))
        self._before = now
        return readings

    async def aclose(self) -> None:
        """Nothing is held."""

    def _all_counters(self) -> dict[str, _Counters]:
        mono_ms = self._context.clock.mono_ms()
        found = {}
        for folder in (self._context.root / "sys/class/net").glob("*"):
            if is_wanted(folder.name, self._settings) and (counters := _counters(folder, mono_ms)) is not None:
                found[folder.name] = counters
        return found


def is_wanted(name: str, settings: InterfacesSettings) -> bool:
    """Say whether an interface of this name is to be looked at."""
    wanted = any(fnmatchcase(name, pattern) for pattern in settings.include)
    return wanted and not any(fnmatchcase(name, pattern) for pattern in settings.exclude)


def _counters(folder: Path, mono_ms: int) -> _Counters | None:
    """Read one interface; None when it is none, or went away meanwhile."""
    try:
        return _Counters(
            index=int((folder / "ifindex").read_text(encoding="ascii")),
            rx=int((folder / "statistics/rx_bytes").read_text(encoding="ascii")),
            tx=int((folder / "statistics/tx_bytes").read_text(encoding="ascii")),
            up=_is_up(folder),
            mono_ms=mono_ms,
        )
    except (OSError, ValueError):
        return None


def _is_up(folder: Path) -> bool:
    state = (folder / "operstate").read_text(encoding="ascii").strip()
    if state == "unknown":  # modems and tunnels: their drivers keep no state, the flag is what there is
        return bool(int((folder / "flags").read_text(encoding="ascii"), 16) & _IFF_UP)
    return state == "up"


def _fields(before: _Counters | None, now: _Counters) -> dict[str, Value]:
    fields: dict[str, Value] = {
        "rx_bytes_total": now.rx,
        "tx_bytes_total": now.tx,
        "rx_bytes": None,
        "tx_bytes": None,
        "interval_seconds": None,
        "up": now.up,
        "counter_reset": None,
        "failure": None,
    }
    if before is None:
        return fields
    replaced = before.index != now.index
    rx, rx_reset = counter_delta(now.rx + 1 if replaced else before.rx, now.rx)
    tx, tx_reset = counter_delta(now.tx + 1 if replaced else before.tx, now.tx)
    fields["rx_bytes"] = rx
    fields["tx_bytes"] = tx
    fields["interval_seconds"] = (now.mono_ms - before.mono_ms) / 1000
    fields["counter_reset"] = rx_reset or tx_reset
    return fields
