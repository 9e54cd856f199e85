"""Which days are to be settled (again): by what arrived, by what was registered, by time that passed. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aldea.collector.settling.boots import UNPLACED
from aldea.collector.settling.places import applies, commissioned, digest, primary_spans
from aldea.model.truth.observing import CONTEXT_SLOTS
from aldea.model.truth.slots import DAY_MS, SLOT_MS
from aldea.storage.register.settling import Progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aldea.model.truth import Hole
    from aldea.model.truth.overlay import Span
    from aldea.storage.register.feed import FeedEvent
    from aldea.storage.register.maintenance import Maintenance
    from aldea.storage.register.settling import Place

PAD_MS = CONTEXT_SLOTS * SLOT_MS
ADVANCE_MS = 10 * 60 * 1000
HISTORY_DAYS = 400
"""How far back a site is judged at the most when it is first seen."""


class Changes:
    """Marks to be made and progress to be kept; what is registered and how far it is judged come with it.

    `ahead`: sites of which days were judged that have not come yet.
    """

    def __init__(self, places: Mapping[str, Place], progress: Mapping[str, Progress], now_ms: int) -> None:
        self.marks: set[tuple[str, int]] = set()
        self.progress: dict[str, Progress] = {}
        self.ahead: set[str] = set()
        self._places = places
        self._held = progress
        self._now_ms = now_ms
        self._today = now_ms // DAY_MS

    def of(self, site: str) -> Progress | None:
        """Return a site's progress as it will be."""
        return self.progress.get(site) or self._held.get(site)

    def mark(self, site: str, from_ms: int, to_ms: int) -> None:
        """Mark the days of a time, both ends included, as far as they are judged at all.

        Evidence from before the first judged day moves that back: what is judged has no gaps.
        """
        progress, place = self.of(site), self._places.get(site)
        if progress is None or place is None:
            return
        first, last = from_ms // DAY_MS, min(to_ms // DAY_MS, self._today)
        begun = progress.judged_from_ms // DAY_MS
        if first < begun:
            first = max(first, _expected_from(place, self._now_ms) // DAY_MS)
            if first < begun:
                last = max(last, begun - 1)
                self.progress[site] = replace(progress, judged_from_ms=first * DAY_MS)
        self.marks.update((site, day) for day in range(max(first, min(first, begun)), last + 1))

    def take_event(self, event: FeedEvent) -> None:
        """Mark the days that a batch's rows touch; note a boot whose rows have no time yet."""
        place = self._places.get(event.site)
        if place is None or event.kind != "batch" or event.device not in {d for d, _ in primary_spans(place)}:
            return
        if event.event_from_ms is not None and event.event_to_ms is not None:
            self.mark(event.site, event.event_from_ms - PAD_MS, event.event_to_ms + PAD_MS)
            return
        progress, boot = self.of(event.site), event.summary.get("boot")
        if progress is not None and isinstance(boot, str):
            self.progress[event.site] = replace(progress, boots={**progress.boots, boot: UNPLACED})

    def take_evidence(self, event: FeedEvent, hole: Hole) -> None:
        """Mark the days of a hole of which a batch of the site's own device may tell more."""
        place = self._places.get(event.site)
        if place is not None and event.kind == "batch" and event.device in {d for d, _ in primary_spans(place)}:
            self._mark_judged(event.site, hole.start_ms, hole.end_ms)

    def take_registered(self) -> None:
        """Begin with sites that are new; mark all of a site about which something registered has changed."""
        for site, place in self._places.items():
            progress = self.of(site)
            if progress is None:
                start = _first_watched(place, self._now_ms)
                if start is not None:
                    first_ms = start // DAY_MS * DAY_MS
                    self.progress[site] = Progress(site, first_ms, first_ms, digest(place))
                    self.mark(site, first_ms, self._now_ms)
            elif progress.registered != (now := digest(place)):
                self.progress[site] = replace(progress, registered=now)
                self.mark(site, progress.judged_from_ms, self._now_ms)

    def take_maintenance(self, changed: Iterable[tuple[Maintenance, tuple[int, int] | None]]) -> None:
        """Mark the days of windows that are new or different, as they are and as they were."""
        for window, before in changed:
            spans = [(window.from_ms, window.to_ms), *([before] if before else [])]
            for site, place in self._places.items():
                if applies(window, place):
                    for low, high in spans:
                        self._mark_judged(site, low, high)

    def take_outages(self, spans: Iterable[Span]) -> None:
        """Mark the days of times when our collectors were away, for every site."""
        for low, high in spans:
            for site in self._places:
                self._mark_judged(site, low, high)

    def pass_time(self, until_ms: int) -> None:
        """Mark the newest days of commissioned sites that have not been judged for a while: silence sends nothing."""
        for site, place in self._places.items():
            progress = self.of(site)
            if progress is not None and progress.judged_until_ms > until_ms + ADVANCE_MS:
                self._take_back(progress, until_ms)
                continue
            if progress is None or until_ms - progress.judged_until_ms < ADVANCE_MS:
                continue
            if any(high > progress.judged_until_ms and low < until_ms for low, high in commissioned(place)):
                # Not the day that begins at `until_ms`: nothing of it can be judged, so its mark would never lead on.
                self.mark(site, progress.judged_until_ms, until_ms - 1)

    def _take_back(self, progress: Progress, until_ms: int) -> None:
        """Judge anew where a clock that was ahead had judged; days that have not come yet go (`ahead`)."""
        until = max(until_ms, progress.judged_from_ms)
        self.progress[progress.site] = replace(progress, judged_until_ms=until)
        self.ahead.add(progress.site)
        self.mark(progress.site, until, self._now_ms)

    def take_boots(self, boots: Mapping[str, Mapping[str, Sequence[int]]], marks: Iterable[tuple[str, int]]) -> None:
        """Mark what changed boots touch, and keep the boots as they are now."""
        for site, day in marks:
            self._mark_judged(site, day * DAY_MS, day * DAY_MS)
        for site, now in boots.items():
            progress = self.of(site)
            if progress is not None:
                waiting = {key: span for key, span in progress.boots.items() if not span and key not in now}
                self.progress[site] = replace(progress, boots={**now, **waiting})

    def _mark_judged(self, site: str, from_ms: int, to_ms: int) -> None:
        progress = self.of(site)
        if progress is not None and to_ms >= progress.judged_from_ms:
            self.mark(site, max(from_ms, progress.judged_from_ms), to_ms)


def _expected_from(place: Place, now_ms: int) -> int:
    """Return the first time that may be judged at all: not before it was commissioned, nor too long ago."""
    spans = commissioned(place)
    first = spans[0][0] if spans else now_ms
    return max(first, now_ms - HISTORY_DAYS * DAY_MS)


def _first_watched(place: Place, now_ms: int) -> int | None:
    """Return from when on a site is judged: since it is both commissioned and registered. None: not yet."""
    spans = [(low, high) for low, high in commissioned(place) if low <= now_ms]
    if not spans:
        return None
    return min(max(spans[0][0], place.created_ms, now_ms - HISTORY_DAYS * DAY_MS), now_ms)
