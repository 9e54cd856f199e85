"""Holes between two boots: the agent had no power. Whether the village had none either needs a witness.

And silences within a boot, while only the agent's program was not running; they are never a power cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aldea.model.truth.slots import SLOT_MS

MARGIN_MS = 5 * 60 * 1000
"""How exactly a router's start is known against a hole's edges."""

TOGETHER_MS = 10 * 60 * 1000
"""Neighbours that lost their agents within this time of each other lost them together."""


@dataclass(frozen=True, slots=True)
class BootSpan:
    """A boot of which the time is known: from its start to the furthest that anything tells of, milliseconds."""

    device: str
    boot_id: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Hole:
    """The time between two boots of a device, from the last sign of one to the start of the next."""

    site: str
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Silence:
    """A time within a boot in which the agent's program was not running, or could store nothing.

    `stop` says why: a word of `StartCause`, or the reason of a `not_recorded` row.
    """

    start_ms: int
    end_ms: int
    stop: str


@dataclass(frozen=True, slots=True)
class Witness:
    """What others tell of a hole.

    `router_starts_ms`: when the router began, by readings after the hole (its uptime before the reading).
    `stopped_in_order`: the agent says that it was stopped, not cut off; `stop` why it was not running (a word of
    `StartCause`); `restarted` and `kept_running` name the devices that the agent asked after the hole. `on_battery`:
    the UPS's last word before it; `ups_starts_ms`: when a UPS began, which proves nothing when it kept running.
    `neighbours`: holes of other sites of the power region.
    `switched_off_when_closed`: the site's router goes off each evening too, and proves nothing. `unrecorded_ms`: how
    long the box was on somewhere within the hole, and could store nothing.
    """

    router_starts_ms: Sequence[int] = ()
    stopped_in_order: bool | None = None
    neighbours: Sequence[Hole] = ()
    switched_off_when_closed: bool = False
    stop: str | None = None
    restarted: Sequence[str] = ()
    kept_running: Sequence[str] = ()
    on_battery: bool = False
    ups_starts_ms: Sequence[int] = ()
    unrecorded_ms: int = 0


@dataclass(frozen=True, slots=True)
class HoleVerdict:
    """Whether a hole was a power cut (`by`: who tells so), and what is known of it.

    `router`: `restarted`, `kept_running` or None.
    """

    hole: Hole
    by: str | None
    witness: Witness
    router: str | None = None
    neighbours: tuple[str, ...] = field(default=())

    @property
    def is_power(self) -> bool:
        """Whether somebody tells that it was a power cut."""
        return self.by is not None

    def evidence(self) -> Mapping[str, Any]:
        """Return the facts for an interval's evidence."""
        told = self.witness
        found: dict[str, Any] = {
            "router": self.router,
            "neighbours": list(self.neighbours),
            "stopped_in_order": told.stopped_in_order,
            "stop": told.stop,
            "restarted": list(told.restarted),
            "kept_running": list(told.kept_running),
            "on_battery": told.on_battery,
            "witness": self.by,
            "unrecorded_seconds": told.unrecorded_ms // 1000,
        }
        return {"hole": [self.hole.start_ms, self.hole.end_ms], **{key: item for key, item in found.items() if item}}


def holes_between(site: str, boots: Iterable[BootSpan]) -> list[Hole]:
    """Return the holes between each device's boots, in order of time."""
    found: list[Hole] = []
    devices: dict[str, list[BootSpan]] = {}
    for boot in boots:
        devices.setdefault(boot.device, []).append(boot)
    for spans in devices.values():
        end: int | None = None
        for span in sorted(spans, key=lambda item: (item.start_ms, item.boot_id)):
            if end is not None and span.start_ms > end:
                found.append(Hole(site, end, span.start_ms))
            end = span.end_ms if end is None else max(end, span.end_ms)
    return sorted(found, key=lambda item: (item.start_ms, item.end_ms))


def judge_hole(hole: Hole, witness: Witness) -> HoleVerdict:
    """Say whether a hole was a power cut. Without a witness it is not said.

    A router that started within the hole is one, and a UPS that ran on its battery before it, unless the place is
    switched off in the evening anyway. Sites of the power region that lost their agents at the same time are one,
    unless the agent was stopped in order. Where the box was on for a while that nobody can place, no witness says
    when the power was gone.
    """
    router = _router(hole, witness.router_starts_ms)
    together = tuple(sorted({other.site for other in witness.neighbours if _lost_together(hole, other)}))
    own = None if witness.switched_off_when_closed else _own_witness(hole, witness, router)
    by_neighbours = bool(together) and not witness.stopped_in_order and router != "kept_running"
    by = own or ("neighbours" if by_neighbours else None)
    if witness.unrecorded_ms >= SLOT_MS:
        by = None
    return HoleVerdict(hole, by, witness, router, together)


def _own_witness(hole: Hole, witness: Witness, router: str | None) -> str | None:
    """Return who at the site itself tells of a power cut; what kept running proves nothing, it may hang on a UPS."""
    if router == "restarted":
        return "router"
    if witness.on_battery or _began_within(hole, witness.ups_starts_ms):
        return "ups"
    return "restarted" if witness.restarted else None


def _router(hole: Hole, starts_ms: Sequence[int]) -> str | None:
    if _began_within(hole, starts_ms):
        return "restarted"
    return "kept_running" if any(start < hole.start_ms - MARGIN_MS for start in starts_ms) else None


def _began_within(hole: Hole, starts_ms: Sequence[int]) -> bool:
    return any(hole.start_ms - MARGIN_MS <= start <= hole.end_ms + MARGIN_MS for start in starts_ms)


def _lost_together(hole: Hole, other: Hole) -> bool:
    if other.site == hole.site or abs(other.start_ms - hole.start_ms) > TOGETHER_MS:
        return False
    return other.start_ms < hole.end_ms and other.end_ms > hole.start_ms
