"""Boots as the settler knows them: where they leave holes, who saw the same, and which days a change touches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.collector.settling.places import is_off_when_closed, primary_spans, region_at
from aldea.collector.settling.reading import AFTER_HOLE_MS, BEFORE_HOLE_MS
from aldea.model.truth import BootSpan, Hole, HoleVerdict, Witness, holes_between, judge_hole
from aldea.model.truth.slots import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from aldea.collector.settling.reading import RowReader
    from aldea.storage.register.settling import Place

SAME_MS = 1_000
GAP_MS = 60 * 60 * 1000
UNPLACED: Sequence[int] = ()
"""What is kept of a boot whose rows have arrived and whose time is not known yet."""

Told = tuple[str, str, int, int]
"""Device, boot id, start, end."""


class Boots:
    """The boots of known time of every site, and their holes."""

    def __init__(self, places: Mapping[str, Place], told: Mapping[str, Sequence[Told]]) -> None:
        self._places = places
        self._spans: dict[str, list[BootSpan]] = {}
        self._holes: dict[str, list[Hole]] = {}
        self._regions: dict[tuple[str, bool], list[str]] = {}
        for site, boots in told.items():
            place = places.get(site)
            if place is None:
                continue
            devices = {device for device, _ in primary_spans(place)}
            spans = [BootSpan(*boot) for boot in boots if boot[0] in devices]
            self._spans[site] = spans
            self._holes[site] = holes_between(site, spans)
        for place in places.values():
            for item in place.facts.get("power_region", ()):
                self._regions.setdefault((str(item.value), place.simulated), []).append(place.site)

    def spans(self, site: str, from_ms: int, to_ms: int) -> list[BootSpan]:
        """Return the site's boots that touch a time."""
        return [span for span in self._spans.get(site, ()) if span.start_ms < to_ms and span.end_ms > from_ms]

    def holes(self, site: str, from_ms: int, to_ms: int) -> list[Hole]:
        """Return the site's holes that touch a time."""
        return [hole for hole in self._holes.get(site, ()) if hole.start_ms < to_ms and hole.end_ms > from_ms]

    def verdicts(self, site: str, from_ms: int, to_ms: int, reader: RowReader) -> list[HoleVerdict]:
        """Judge the holes that touch a time, after asking router, UPS, agent and neighbours."""
        return [judge_hole(hole, self._witness(hole, reader)) for hole in self.holes(site, from_ms, to_ms)]

    def map_of(self, site: str) -> dict[str, Sequence[int]]:
        """Return boot id → [start, end] of a site, as its progress keeps it."""
        return {span.boot_id: [span.start_ms, span.end_ms] for span in self._spans.get(site, ())}

    def neighbours(self, site: str, at_ms: int) -> list[str]:
        """Return the other sites of the power region that the site was in, whose silence means something."""
        region = region_at(self._places[site], at_ms)
        if region is None:
            return []
        found = self._regions.get((region, self._places[site].simulated), [])
        return [
            name
            for name in dict.fromkeys(found)
            if name != site
            and region_at(self._places[name], at_ms) == region
            and not is_off_when_closed(self._places[name], at_ms)
        ]

    def holes_told(self, site: str, from_ms: int, to_ms: int) -> list[Hole]:
        """Return the site's holes on which rows from that time may be evidence: of the UPS before, the router after."""
        return self.holes(site, from_ms - AFTER_HOLE_MS, to_ms + BEFORE_HOLE_MS)

    def _witness(self, hole: Hole, reader: RowReader) -> Witness:
        place = self._places[hole.site]
        device = next((span.device for span in self._spans[hole.site] if span.start_ms == hole.end_ms), "")
        others = [
            other
            for name in self.neighbours(hole.site, hole.start_ms)
            for other in self.holes(name, hole.start_ms, hole.end_ms)
        ]
        return Witness(
            router_starts_ms=reader.router_starts(device, hole.end_ms),
            ups_starts_ms=reader.ups_starts(device, hole.end_ms),
            stopped_in_order=reader.stopped_in_order(device, hole.end_ms),
            neighbours=others,
            switched_off_when_closed=is_off_when_closed(place, hole.start_ms),
            stop=reader.stop_told(device, hole.end_ms),
            restarted=reader.asked_after(device, hole.end_ms, "restarted"),
            kept_running=reader.asked_after(device, hole.end_ms, "kept_running"),
            unrecorded_ms=reader.unrecorded_ms(device, hole.end_ms, {span.boot_id for span in self._spans[hole.site]}),
            on_battery=reader.on_battery(self._device_before(hole), hole.start_ms),
        )

    def _device_before(self, hole: Hole) -> str:
        spans = (span for span in self._spans[hole.site] if span.end_ms == hole.start_ms)
        return next((span.device for span in spans), "")

    def touched_by_change(self, site: str, before: Mapping[str, Sequence[int]]) -> Iterator[tuple[str, int]]:
        """Yield (site, day) of all that is to be judged again since the boots were as in `before`.

        Of a boot that moved or was placed: where its rows were and are. Of every changed boot: the holes beside
        it, at the site and at its neighbours, who may have been waiting for this witness.
        """
        now = self.map_of(site)
        for boot_id in now.keys() | before.keys():
            old, new = before.get(boot_id), now.get(boot_id)
            if old is not None and new is not None and _unmoved(old, new):
                yield from self._where_longer(site, old, new, is_last=_is_last(boot_id, before))
                continue
            if new is not None:
                yield from self._around(site, new)
            for span in (old, new) if old is not None else ():
                if span:
                    yield from _days(site, span[0], span[1])

    def _where_longer(
        self, site: str, old: Sequence[int], new: Sequence[int], *, is_last: bool
    ) -> Iterator[tuple[str, int]]:
        """Yield the days of what was after a boot's end and is now a silence within it, and of the hole that shrank."""
        if abs(old[1] - new[1]) > GAP_MS:
            yield from _days(site, min(old[1], new[1]), max(old[1], new[1]))
        if not is_last and abs(old[1] - new[1]) > SAME_MS:
            yield from self._around(site, new)

    def _around(self, site: str, span: Sequence[int]) -> Iterator[tuple[str, int]]:
        for hole in self.holes(site, span[0] - 1, span[1] + 1):
            yield from _days(site, hole.start_ms, hole.end_ms)
            for name in self.neighbours(site, hole.start_ms):
                for other in self.holes(name, hole.start_ms, hole.end_ms):
                    yield from _days(name, other.start_ms, other.end_ms)


def _unmoved(old: Sequence[int], new: Sequence[int]) -> bool:
    return bool(old) and abs(old[0] - new[0]) <= SAME_MS


def _is_last(boot_id: str, boots: Mapping[str, Sequence[int]]) -> bool:
    placed = {key: span[0] for key, span in boots.items() if span}
    return bool(placed) and max(placed, key=lambda key: placed[key]) == boot_id


def _days(site: str, from_ms: int, to_ms: int) -> Iterable[tuple[str, int]]:
    return ((site, day) for day in range(from_ms // DAY_MS, to_ms // DAY_MS + 1))
