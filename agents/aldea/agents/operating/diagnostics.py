"""`diagnostics`: how this box is, in one answer that a person far away can read."""

from __future__ import annotations

import asyncio
import platform
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from aldea.agents.footprint import resident_bytes
from aldea.agents.gateway import default_route
from aldea.agents.machine import clock_state
from aldea.agents.operating.answers import as_json
from aldea.agents.operating.handler import Outcome, State, Tell
from aldea.agents.operating.redacting import redacted_value
from aldea.agents.outbox import OutboxUnavailable
from aldea.agents.probes.budget import budget_of
from aldea.agents.probes.host import HostProbe
from aldea.agents.probes.interfaces import InterfacesProbe
from aldea.model.catalogue import LONG_TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aldea.agents.operating.toolbox import Toolbox
    from aldea.model.messages import Command

DEAD_LETTERS = 5
_LEAST_USEFUL_FIRST = ("log", "dead_letters", "interfaces", "probes")
"""What is shortened when all of it is too long; of each the oldest first."""


class Diagnostics:
    """Versions, time, disk and memory, outbox, budget, probes, network, and the newest lines of the log.

    Nothing in it tells of a person: hardware addresses, mail addresses and secrets are taken out.
    """

    kind = "diagnostics"
    quick = True
    resumes = False

    def __init__(self, tools: Toolbox) -> None:
        self._tools = tools

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:  # noqa: ARG002 - it asks for nothing more
        """Look at everything; a part that can't be looked at is said and hides no other."""
        found: dict[str, Any] = {
            "versions": _versions(self._tools.machine.version),
            "boot": self._boot(),
            "host": await self._host(),
            "outbox": await asyncio.to_thread(self._outbox),
            "budget": await asyncio.to_thread(self._budget),
            "route": _route(self._tools),
            "probes": self._probes(),
            "interfaces": await self._interfaces(),
            "dead_letters": await asyncio.to_thread(self._dead_letters),
            "log": self._tools.log.lines(),
        }
        return Outcome(State.DONE, fitted(redacted_value(found)))

    def _boot(self) -> Mapping[str, Any]:
        context, boot = self._tools.context, self._tools.outbox.boot
        return {
            "boot_id": boot.boot_id,
            "boots_counted": boot.number,
            "uptime_seconds": context.clock.mono_ms() // 1000,
            "clock": clock_state(context.clock, context.root).value,
            "wall_ms": context.clock.wall_ms(),
            "known_time_ms": None if context.anchored_ms is None else context.anchored_ms(),
            "online": self._tools.is_online(),
        }

    async def _host(self) -> Mapping[str, Any]:
        probe = HostProbe(self._tools.settings.host, self._tools.context)
        fields = dict((await probe.measure())[0].fields)
        for said_already in ("uptime_seconds", "clock", "failure"):
            fields.pop(said_already, None)
        return {**fields, "agent_bytes": resident_bytes()}

    def _outbox(self) -> Mapping[str, Any]:
        try:
            stats, bounds = self._tools.outbox.stats(), self._tools.outbox.bounds()
        except OutboxUnavailable as error:
            return {"problem": str(error)}
        return {
            "epoch": self._tools.outbox.epoch,
            "oldest_seq": bounds[0],
            "newest_seq": bounds[1],
            "waiting_rows": stats.rows,
            "used_bytes": stats.used_bytes,
            "refused_rows": stats.dead_letter_rows,
        }

    def _dead_letters(self) -> list[Mapping[str, Any]]:
        try:
            newest = self._tools.outbox.dead_letters()[-DEAD_LETTERS:]
        except OutboxUnavailable:
            return []
        return [{"seq": item.row.seq, "measurement": item.row.measurement, "reason": item.reason} for item in newest]

    def _budget(self) -> Mapping[str, Any]:
        try:
            return dict(budget_of(self._tools.settings, self._tools.context).reading().fields)
        except OSError as error:
            return {"problem": str(error)}

    def _probes(self) -> list[Mapping[str, Any]]:
        now_ms = self._tools.context.clock.mono_ms()
        return [
            {
                "name": state.name,
                "every_seconds": state.every_seconds,
                "running": state.running,
                "last_seconds_ago": _ago(now_ms, state.last_ms),
                "readings": state.readings,
                "failed_seconds_ago": _ago(now_ms, state.failed_ms),
                "failures": dict(state.failures),
            }
            for state in self._tools.runner.states()
        ]

    async def _interfaces(self) -> list[Mapping[str, Any]]:
        probe = InterfacesProbe(self._tools.settings.interfaces, self._tools.context)
        return [
            {"name": reading.tags["interface"], **{key: reading.fields.get(key) for key in ("up", *_TOTALS)}}
            for reading in await probe.measure()
        ]


_TOTALS = ("rx_bytes_total", "tx_bytes_total")


def fitted(found: Mapping[str, Any], most: int = LONG_TEXT) -> dict[str, Any]:
    """Return `found` without so many of its oldest log lines, and then of other lists, that it fits; says how many."""
    parts = dict(found)
    for name in _LEAST_USEFUL_FIRST:
        # Room for the word that says how many are missing.
        excess = len(as_json(parts)) - most + 40
        if excess <= 40:
            break
        kept = list(parts[name])
        while kept and excess > 0:
            excess -= len(as_json(kept.pop(0))) + 1
        parts[f"{name}_left_out"] = len(parts[name]) - len(kept)
        parts[name] = kept
    return parts


def _versions(own: str) -> Mapping[str, Any]:
    return {
        "agent": own,
        "python": platform.python_version(),
        "system": _system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "mqtt": _installed("paho-mqtt"),
    }


def _system() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _route(tools: Toolbox) -> Mapping[str, Any] | None:
    route = default_route(tools.context.root)
    return None if route is None else asdict(route)


def _ago(now_ms: int, at_ms: int | None) -> int | None:
    return None if at_ms is None else max(0, now_ms - at_ms) // 1000
