"""The rows of a site's primary device out of the series store, gathered by slots."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.model.failures import Failure
from aldea.model.series import Aggregate, Query
from aldea.model.starts import StartCause, names_in
from aldea.model.truth import SLOT_MS, Silence, Tally
from aldea.model.truth.evidence import is_public_server

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from aldea.model.series import Series, SeriesStore
    from aldea.model.truth import BootSpan
    from aldea.model.truth.overlay import Span

AFTER_HOLE_MS = 2 * 60 * 60 * 1000
"""How long after a hole the router and the UPS are asked when they began."""

BEFORE_HOLE_MS = 15 * 60 * 1000
"""How long before a hole a UPS's last word still tells of it."""

BOOT_ROW_MS = 30 * 60 * 1000
"""Within this time of a boot comes the agent's row about how it was stopped."""

SILENCE_MS = 31 * 24 * 60 * 60 * 1000
"""How long an agent's program may have been stopped for its start to tell of it."""

_WITHIN_BOOT = frozenset({StartCause.STOPPED, StartCause.CRASHED, StartCause.UPGRADED, StartCause.SETTINGS})

_ANSWERED = frozenset({Failure.CAPTIVE_PORTAL, Failure.HTTP_STATUS, Failure.HTTP_INVALID})
"""Failures of a page that come with a status: they are counted with the answers."""


@dataclass(frozen=True, slots=True)
class _NotRecorded:
    """A time, in milliseconds since that boot, in which an agent could not store anything."""

    boot_id: str
    from_ms: int
    to_ms: int
    reason: str


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads evidence of a site; every answer comes from the store as it is now."""

    store: SeriesStore
    site: str

    def tally(self, devices: Sequence[tuple[str, Span]], from_ms: int, to_ms: int) -> Tally:
        """Return the evidence of the primary devices from `from_ms` up to before `to_ms`, each in its time."""
        tally = Tally()
        for device, (low, high) in devices:
            # Whole slots: the sums of a store's steps are a slot's.
            start, end = max(low // SLOT_MS * SLOT_MS, from_ms), min(high, to_ms)
            if start < end:
                self._pings(tally, device, (start, end))
                self._web(tally, device, (start, end))
                self._names(tally, device, (start, end))
                for series in self._sums("host", "uptime_seconds", device, (start, end), Aggregate.COUNT):
                    for at_ms in series.times_ms.tolist():
                        tally.add_other(at_ms)
        return tally

    def router_starts(self, device: str, hole_end_ms: int) -> list[int]:
        """Return when the router began, by each of its readings in the hours after a hole, milliseconds."""
        return self._starts("snmp", device, hole_end_ms)

    def ups_starts(self, device: str, hole_end_ms: int) -> list[int]:
        """Return when a UPS began, by each of its readings in the hours after a hole, milliseconds."""
        return self._starts("power", device, hole_end_ms)

    def on_battery(self, device: str, hole_start_ms: int) -> bool:
        """Say whether a UPS's last word before a hole was that it ran on battery."""
        window = (hole_start_ms - BEFORE_HOLE_MS, hole_start_ms + 1)
        last = [
            pairs[-1][1] for series in self._rows("power", "on_battery", device, window) if (pairs := _pairs(series))
        ]
        return any(last)

    def _starts(self, measurement: str, device: str, hole_end_ms: int) -> list[int]:
        window = (hole_end_ms, hole_end_ms + AFTER_HOLE_MS)
        found: list[int] = []
        for series in self._rows(measurement, "uptime_seconds", device, window):
            found += [int(at - 1000 * float(up)) for at, up in _pairs(series)]
        return found

    def stop_told(self, device: str, boot_ms: int) -> str | None:
        """Return why the agent was not running before a boot, as its first row says; None where it does not say."""
        for series in self._rows("boot", "cause", device, (boot_ms, boot_ms + BOOT_ROW_MS)):
            for _, cause in _words(series):
                return cause
        return None

    def asked_after(self, device: str, boot_ms: int, field: str) -> list[str]:
        """Return the devices that restarted, or kept running, as the agent wrote down after a boot."""
        window = (boot_ms, boot_ms + AFTER_HOLE_MS)
        told = [text for series in self._rows("boot", field, device, window) for _, text in _words(series)]
        return sorted({name for text in told for name in names_in(text)})

    def unrecorded_ms(self, device: str, boot_ms: int, known: Collection[str]) -> int:
        """Return how long the box was on, after a boot's word, in boots that are not `known`: nobody knows when."""
        told = self._not_recorded(device, (boot_ms, boot_ms + AFTER_HOLE_MS))
        return sum(item.to_ms - item.from_ms for item in told if item.boot_id not in known)

    def silences(
        self, devices: Sequence[tuple[str, Span]], from_ms: int, to_ms: int, boots: Iterable[BootSpan] = ()
    ) -> list[Silence]:
        """Return the times in which the agent's program was not running, or could not store, that touch a time.

        `boots` say where what could not be stored belongs.
        """
        began = {boot.boot_id: boot.start_ms for boot in boots}
        found: list[Silence] = []
        for device, (low, high) in devices:
            window = (max(low, from_ms), min(high, to_ms + SILENCE_MS))
            if window[0] >= window[1]:
                continue
            causes = dict(pair for series in self._rows("boot", "cause", device, window) for pair in _words(series))
            for series in self._rows("boot", "silent_seconds", device, window):
                for at_ms, seconds in _pairs(series):
                    start_ms = at_ms - round(1000 * seconds)
                    if causes.get(at_ms) in _WITHIN_BOOT and start_ms < to_ms:
                        found.append(Silence(start_ms, at_ms, causes[at_ms]))
            for told in self._not_recorded(device, window):
                if told.boot_id in began:
                    offset_ms = began[told.boot_id]
                    found.append(Silence(told.from_ms + offset_ms, told.to_ms + offset_ms, told.reason))
        return found

    def _not_recorded(self, device: str, window: Span) -> list[_NotRecorded]:
        """Return what rows of that time tell of boots in which nothing could be stored."""
        froms, tos = (
            [int(value) for series in self._rows("not_recorded", field, device, window) for _, value in _pairs(series)]
            for field in ("from_mono_ms", "to_mono_ms")
        )
        boots, reasons = (
            [text for series in self._rows("not_recorded", field, device, window) for _, text in _words(series)]
            for field in ("boot_id", "reason")
        )
        # An agent tells all four of each; where one is missing, nobody can say which of them belong together.
        if not len(boots) == len(froms) == len(tos) == len(reasons):
            return []
        return [_NotRecorded(*told) for told in zip(boots, froms, tos, reasons, strict=True)]

    def stopped_in_order(self, device: str, boot_ms: int) -> bool | None:
        """Say whether the agent was stopped in order before a boot; None where it does not say."""
        window = (boot_ms, boot_ms + BOOT_ROW_MS)
        for series in self._rows("boot", "clean", device, window):
            for _, clean in _pairs(series):
                return bool(clean)
        return None

    def _pings(self, tally: Tally, device: str, window: Span) -> None:
        received = {
            series.tags: dict(_pairs(series))
            for series in self._sums("ping", "received", device, window, Aggregate.SUM)
        }
        for series in self._sums("ping", "sent", device, window, Aggregate.SUM):
            tags, answers = dict(series.tags), received.get(series.tags, {})
            role, target = tags.get("role"), tags.get("target", "")
            if role == "gateway":
                lost = self._lost_routes(device, window) if not all(series.values) else Counter()
            for at_ms, sent in _pairs(series):
                got = int(answers.get(at_ms, 0))
                if role == "anchor":
                    tally.add_anchor(at_ms, target, int(sent), got)
                elif role == "gateway":
                    tally.add_gateway(at_ms, int(sent), got, lost_route=lost[at_ms // SLOT_MS])

    def _lost_routes(self, device: str, window: Span) -> Counter[int]:
        """Return how often the box had no way out at all, by slot."""
        found: Counter[int] = Counter()
        for series in self._rows("ping", "failure", device, window, role="gateway"):
            found.update(at // SLOT_MS for at, word in _words(series) if word == Failure.NO_ROUTE)
        return found

    def _web(self, tally: Tally, device: str, window: Span) -> None:
        status: Counter[int] = Counter()
        for series in self._sums("http", "status_code", device, window, Aggregate.COUNT):
            for at, count in _pairs(series):
                status[at // SLOT_MS] += int(count)
        failed: Counter[int] = Counter()
        portal: Counter[int] = Counter()
        bad: Counter[int] = Counter()
        for series in self._rows("http", "failure", device, window):
            for at, word in _words(series):
                slot = at // SLOT_MS
                failed[slot] += word not in _ANSWERED
                portal[slot] += word == Failure.CAPTIVE_PORTAL
                bad[slot] += word in (Failure.CAPTIVE_PORTAL, Failure.HTTP_INVALID)
        for slot in status.keys() | failed.keys():
            answers = max(status[slot] - bad[slot], 0)
            tally.add_web(slot * SLOT_MS, status[slot] + failed[slot], answers, portal=portal[slot])

    def _names(self, tally: Tally, device: str, window: Span) -> None:
        """Count name servers that are out in the world; one in the village answers from memory."""
        answered = self._sums("dns", "answers", device, window, Aggregate.SUM)
        for series in answered:
            if is_public_server(dict(series.tags).get("server", "")):
                for at, answers in _pairs(series):
                    tally.add_web(at, 1, int(answers > 0))

    def _sums(self, measurement: str, field: str, device: str, window: Span, how: Aggregate) -> list[Series]:
        query = Query(self.site, measurement, field, *window, step_ms=SLOT_MS, aggregate=how, device=device)
        return self.store.read(query)

    def _rows(self, measurement: str, field: str, device: str, window: Span, **tags: str) -> list[Series]:
        return self.store.read(Query(self.site, measurement, field, *window, tags=tags, device=device))


def _pairs(series: Series) -> list[tuple[int, float]]:
    """Return (time, number) of a series of numbers; a series of texts has none."""
    if isinstance(series.values, list):
        return []
    return list(zip(series.times_ms.tolist(), series.values.tolist(), strict=True))


def _words(series: Series) -> list[tuple[int, str]]:
    """Return (time, text) of a series of texts."""
    if not isinstance(series.values, list):
        return []
    return list(zip(series.times_ms.tolist(), series.values, strict=True))
