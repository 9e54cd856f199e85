"""Holes between two boots: the agent had no power. Whether the village had none either needs a witness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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
class Witness:
    """What others tell of a hole.

    `router_starts_ms`: when the router began, by readings after the hole (its uptime before the reading).
    `stopped_in_order`: the agent says that it was stopped, not cut off. `neighbours`: holes of other sites of
    the power region. `switched_off_when_closed`: the site's router goes off each evening too, and proves nothing.
    """

    router_starts_ms: Sequence[int] = ()
    stopped_in_order: bool | None = None
    neighbours: Sequence[Hole] = ()
    switched_off_when_closed: bool = False


@dataclass(frozen=True, slots=True)
class HoleVerdict:
    """Whether a hole was a power cut, and what tells so. `router`: `restarted`, `kept_running` or None."""

    hole: Hole
    is_power: bool
    router: str | None = None
    neighbours: tuple[str, ...] = field(default=())
    stopped_in_order: bool | None = None

    def evidence(self) -> Mapping[str, Any]:
        """Return the facts for an interval's evidence."""
        found: dict[str, Any] = {"hole": [self.hole.start_ms, self.hole.end_ms]}
        if self.router is not None:
            found["router"] = self.router
        if self.neighbours:
            found["neighbours"] = list(self.neighbours)
        if self.stopped_in_order:
            found["stopped_in_order"] = True
        if self.is_power:
            found["witness"] = "router" if self.router == "restarted" else "neighbours"
        return found


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

    A router that started within the hole is one, unless the place is switched off in the evening anyway. Sites
    of the power region that lost their agents at the same time are one, unless the agent was stopped in order.
    """
    router = _router(hole, witness.router_starts_ms)
    together = tuple(sorted({other.site for other in witness.neighbours if _lost_together(hole, other)}))
    by_router = router == "restarted" and not witness.switched_off_when_closed
    by_neighbours = bool(together) and not witness.stopped_in_order and router != "kept_running"
    return HoleVerdict(hole, by_router or by_neighbours, router, together, witness.stopped_in_order)


def _router(hole: Hole, starts_ms: Sequence[int]) -> str | None:
    if any(hole.start_ms - MARGIN_MS <= start <= hole.end_ms + MARGIN_MS for start in starts_ms):
        return "restarted"
    return "kept_running" if any(start < hole.start_ms - MARGIN_MS for start in starts_ms) else None


def _lost_together(hole: Hole, other: Hole) -> bool:
    if other.site == hole.site or abs(other.start_ms - hole.start_ms) > TOGETHER_MS:
        return False
    return other.start_ms < hole.end_ms and other.end_ms > hole.start_ms
