"""The rule kind `site_silent`: nothing arrives from a site any more. Judged on arrivals alone. Pure.

Heard is a birth, or a batch of the live lane, at its arrival; a backlog is about the past and proves that the site
lived only at the time of its newest row. A last will makes a site suspect at once, and never more than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from aldea.alert_rules.events import LIVE, Batch, Event, PlatformHealth, Presence, Tick
from aldea.alert_rules.rule import Look, Place, Reason
from aldea.model.said import Said
from aldea.model.settings import about

UNDECLARED_SEND_SECONDS = 300
MISSING_SENDS, MISSING_EXTRA_MS = 1.25, 30_000
DEAF_SPANS = 8
AHEAD_MS = 60_000
"""Servers' clocks may differ by this much; a time that is further ahead was written by a clock that was wrong."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What is known: when last heard, the declared interval, the newest word of presence, and our own deaf times."""

    heard_ms: int | None = None
    send_seconds: int | None = None
    said_send_ms: int = 0
    presence: tuple[int, int, bool] | None = None
    deaf: tuple[tuple[int, int], ...] = ()

    @property
    def interval_ms(self) -> int:
        """The declared send interval; 300 s where none was declared."""
        return (self.send_seconds or UNDECLARED_SEND_SECONDS) * 1000

    @property
    def left_ms(self) -> int | None:
        """When a last will came that is newer than all else, or None."""
        if self.presence is None or self.presence[2] or self.heard_ms is None:
            return None
        return self.presence[0] if self.presence[0] > self.heard_ms else None


@dataclass(frozen=True, slots=True)
class SiteSilent:
    """Fires when a site was not heard for `hold_seconds` and at least `hold_sends` of its own send intervals."""

    late_sends: float = field(
        default=2.5, metadata=about("send intervals after which a site is late", minimum=1.5, maximum=20)
    )
    hold_seconds: int = field(
        default=900, metadata=about("silence before it fires, s, from the last arrival", minimum=10, maximum=604_800)
    )
    hold_sends: float = field(
        default=3.0, metadata=about("and at least this many send intervals", minimum=2, maximum=100)
    )
    clear_hold_seconds: int = field(
        default=180, metadata=about("time it must be heard before it is resolved, s", minimum=0, maximum=86_400)
    )
    clear_sends: float = field(
        default=2.0, metadata=about("and at least this many send intervals", minimum=0, maximum=100)
    )
    back_after_opening_seconds: int = field(
        default=3600,
        metadata=about("patience after opening where silence means off when closed, s", minimum=0, maximum=43_200),
    )

    def problems(self) -> list[str]:
        """Return what cannot be together."""
        if self.late_sends <= self.hold_sends:
            return []
        late, hold = f"{self.late_sends:g}", f"{self.hold_sends:g}"
        return [
            Said(
                f"late_sends: is {late}, more than hold_sends {hold}: it would fire before it is late; make it smaller",
                f"late_sends: es {late}, más que hold_sends {hold}: avisaría antes de la tardanza; hacerlo más chico",
            )
        ]

    def start(self) -> Silence:
        """Return the evidence of a site that was never heard."""
        return Silence()

    def gather(self, evidence: Silence, event: Event) -> Silence:
        """Take an event in."""
        if isinstance(event, Batch):
            return _heard(evidence, _alive_ms(event))
        if isinstance(event, Presence):
            return _present(evidence, event)
        if isinstance(event, PlatformHealth) and event.healthy and event.deaf_from_ms is not None:
            spans = sorted({*evidence.deaf, (event.deaf_from_ms, event.at_ms)})
            return replace(evidence, deaf=tuple(spans[-DEAF_SPANS:]))
        if isinstance(event, Tick):
            return _not_ahead(evidence, event.at_ms)
        return evidence

    def look(self, evidence: Silence, at_ms: int, place: Place, *, firing: bool) -> Look:
        """Say whether the site is late, and when that fires."""
        heard = evidence.heard_ms
        if heard is None:
            return Look(None, Reason("never_heard"))
        interval = evidence.interval_ms
        counted = heard + _overlap(evidence.deaf, heard)
        late = counted + round(self.late_sends * interval)
        if evidence.left_ms is not None:
            late = min(late, evidence.left_ms)
        fires = counted + max(self.hold_seconds * 1000, round(self.hold_sends * interval))
        expected = _expected(place, late, fires, heard, self.back_after_opening_seconds * 1000)
        missing = _missing(evidence, counted, at_ms, place)
        if expected is None:
            return Look(None if firing else False, Reason("closed"), heard)
        late, fires, since = expected
        if at_ms < late:
            ready = heard + max(self.clear_hold_seconds * 1000, round(self.clear_sends * interval))
            again = late if missing else min(late, _missing_at(counted, interval))
            reason = Reason("heard", {"heard_ms": heard})
            return Look(bad=False, reason=reason, since_ms=heard, ready_ms=ready, again_ms=again, missing=missing)
        reason = self._reason(evidence, at_ms, since)
        again = fires if missing or at_ms >= fires else min(fires, _missing_at(counted, interval))
        return Look(bad=True, reason=reason, since_ms=since, ready_ms=fires, again_ms=again, missing=missing)

    def _reason(self, evidence: Silence, at_ms: int, since_ms: int) -> Reason:
        heard = evidence.heard_ms or 0
        values: dict[str, Any] = {
            "heard_ms": heard,
            "silent_seconds": (at_ms - heard) // 1000,
            "send_seconds": evidence.interval_ms // 1000,
            "left": evidence.left_ms is not None,
        }
        if since_ms > heard:
            return Reason("not_back_after_opening", {**values, "opened_ms": since_ms})
        return Reason("silent", values)

    def dump(self, evidence: Silence) -> Any:
        """Return the evidence as JSON."""
        presence = None if evidence.presence is None else list(evidence.presence)
        deaf = [list(span) for span in evidence.deaf]
        return [evidence.heard_ms, evidence.send_seconds, evidence.said_send_ms, presence, deaf]

    def load(self, stored: Any) -> Silence:
        """Return the evidence of its JSON."""
        heard, send, said, presence, deaf = stored
        known = None if presence is None else (int(presence[0]), int(presence[1]), bool(presence[2]))
        return Silence(heard, send, said, known, tuple((int(start), int(end)) for start, end in deaf))


def _not_ahead(evidence: Silence, at_ms: int) -> Silence:
    """Return the evidence without times that are still to come: our clock was ahead, and was put right."""
    newest = max(evidence.heard_ms or 0, evidence.said_send_ms, evidence.presence[0] if evidence.presence else 0)
    if newest <= at_ms + AHEAD_MS and all(end <= at_ms + AHEAD_MS for _, end in evidence.deaf):
        return evidence
    presence = evidence.presence
    return Silence(
        None if evidence.heard_ms is None else min(evidence.heard_ms, at_ms),
        evidence.send_seconds,
        min(evidence.said_send_ms, at_ms),
        None if presence is None else (min(presence[0], at_ms), presence[1], presence[2]),
        tuple((start, min(end, at_ms)) for start, end in evidence.deaf if start < at_ms),
    )


def _alive_ms(batch: Batch) -> int | None:
    """Return the newest instant at which a batch proves that its site lived."""
    if batch.lane == LIVE:
        return batch.at_ms
    if batch.event_to_ms is None or batch.event_to_ms > batch.at_ms:
        return None
    return batch.event_to_ms


def _heard(evidence: Silence, at_ms: int | None) -> Silence:
    if at_ms is None or (evidence.heard_ms is not None and at_ms <= evidence.heard_ms):
        return evidence
    deaf = tuple(span for span in evidence.deaf if span[1] > at_ms) if evidence.deaf else ()
    return replace(evidence, heard_ms=at_ms, deaf=deaf)


def _present(evidence: Silence, event: Presence) -> Silence:
    told = (event.at_ms, event.connection, event.online)
    if evidence.presence is None or told > evidence.presence:
        evidence = replace(evidence, presence=told)
    if not event.online:
        return evidence
    if event.send_seconds is not None and (event.at_ms, event.send_seconds) >= (
        evidence.said_send_ms,
        evidence.send_seconds or 0,
    ):
        evidence = replace(evidence, send_seconds=event.send_seconds, said_send_ms=event.at_ms)
    return _heard(evidence, event.at_ms)


def _overlap(spans: tuple[tuple[int, int], ...], from_ms: int) -> int:
    """Return how much of the time after `from_ms` the spans cover, each instant once."""
    total, reached = 0, from_ms
    for start, end in spans:
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _expected(place: Place, late: int, fires: int, heard: int, patience: int) -> tuple[int, int, int] | None:
    """Return (late from, fires from, missed since), moved into opening hours where the site is off otherwise."""
    if not place.off_when_closed or place.opening is None:
        return late, fires, heard
    is_late = place.opening.first_expected(late, heard, 0)
    is_due = place.opening.first_expected(fires, heard, patience)
    if is_late is None or is_due is None:
        return None
    return is_late[0], max(is_due[0], is_late[0]), is_due[1]


def _missing_at(counted_ms: int, interval_ms: int) -> int:
    return counted_ms + round(MISSING_SENDS * interval_ms) + MISSING_EXTRA_MS


def _missing(evidence: Silence, counted: int, at_ms: int, place: Place) -> tuple[int, int] | None:
    """Return between which instants the site fell silent, once it has missed its next send, and was to be on."""
    if at_ms < _missing_at(counted, evidence.interval_ms) or evidence.heard_ms is None:
        return None
    if place.off_when_closed and place.opening is not None and not place.opening.is_open(at_ms):
        return None
    return evidence.heard_ms, evidence.heard_ms + evidence.interval_ms


def parse_seed(heard_ms: int | None, send_seconds: float | None, *, online: bool | None) -> Silence:
    """Return the evidence that the live status holds, for an engine that starts for the first time."""
    send = None if send_seconds is None else round(send_seconds)
    presence = None if online is None or heard_ms is None else (heard_ms, 0, online)
    return Silence(heard_ms, send, heard_ms or 0, presence)
