"""A register, a series store and a settler, filled the way a collector fills them; time is moved by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete

from aldea.collector.settling import Settler
from aldea.model.clock import ManualClock
from aldea.model.sample import Row, Value, tags_of
from aldea.storage.register import open_register
from aldea.storage.register.boots import Boot, upsert_boots
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status
from aldea.storage.register.devices import Device
from aldea.storage.register.facts import NewFact
from aldea.storage.register.feed import FeedEvent, append_feed
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.register.tables import collector_status
from aldea.storage.register.truth import read_intervals
from aldea.storage.series import open_series_store
from builders import make_batch
from registerkit import clean_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from aldea.model.truth import Interval
    from aldea.storage.register import Register

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SLOT = 5 * MINUTE
BEGAN_MS = round(datetime(2026, 11, 8, tzinfo=UTC).timestamp() * 1000)
"""All sites are commissioned two days before the tenth, on which the situations lie."""

Kind = tuple[str, dict[str, str], dict[str, Value]]


def at(text: str) -> int:
    """Return the moment of a day and time in November 2026, UTC: `10 06:00`."""
    return round(datetime.strptime(f"2026-11-{text} +0000", "%Y-%m-%d %H:%M %z").timestamp() * 1000)


def ping(role: str, sent: int, received: int) -> Kind:
    """One round of packets."""
    fields: dict[str, Value] = {"sent": sent, "received": received}
    if not received:
        fields["failure"] = "no_reply" if sent else "no_route"
    return "ping", {"target": "1.1.1.1" if role == "anchor" else "192.168.1.1", "role": role}, fields


def web(failure: str | None = None, status: int = 200) -> Kind:
    """One visit to a page."""
    fields: dict[str, Value] = {"status_code": status, "failure": failure}
    return "http", {"target": "https://example.com/"}, {key: value for key, value in fields.items() if value}


KINDS: dict[str, list[Kind]] = {
    "good": [ping("anchor", 3, 3), ping("gateway", 3, 3)],
    "lossy": [ping("anchor", 10, 6), ping("gateway", 3, 3)],
    "beyond_gateway": [ping("anchor", 3, 0), ping("gateway", 3, 3)],
    "nothing_answers": [ping("anchor", 3, 0), ping("gateway", 3, 0)],
    "no_route": [ping("anchor", 3, 0), ping("gateway", 0, 0)],
    "anchors_alone": [ping("anchor", 3, 0)],
    "blocked_but_web": [ping("anchor", 3, 0), web()],
    "portal": [ping("anchor", 3, 0), ping("gateway", 3, 3), web("captive_portal")],
    "not_measured": [("host", {}, {"uptime_seconds": 5})],
}


class Station:
    """What the settler works on. One collector, `main`, is there all the time unless told otherwise."""

    def __init__(self, folder: Path, url: str | None = None, **settings: Any) -> None:
        self.clock = ManualClock(BEGAN_MS)
        self.register: Register = open_register(url or clean_file(folder))
        self.series = open_series_store(f"sqlite:///{folder}/series.db")
        self.settings = settings
        self.settler = Settler(self.register, self.series, self.clock, **settings)
        self._seqs = count(1)
        self._position = 0
        self.series_position: int | None = None
        self.report(BEGAN_MS)

    def close(self) -> None:
        """Close the stores."""
        self.series.close()
        self.register.close()

    def restart(self) -> None:
        """Begin with a settler that remembers nothing."""
        self.settler = Settler(self.register, self.series, self.clock, **self.settings)

    def add(
        self,
        site: str,
        facts: Mapping[str, object] | None = None,
        *,
        timezone: str = "America/Merida",
        sees: Mapping[str, bool] | None = None,
        simulated: bool = False,
        state: str = "commissioned",
    ) -> None:
        """Register a site with one agent."""
        told = tuple(NewFact(name, value) for name, value in (facts or {}).items())
        place = Site(site, site, timezone, BEGAN_MS, simulated=simulated)
        agent = Device(site, "agent", "agent", BEGAN_MS, sees=dict(sees or {}))
        with self.register.transaction() as unit:
            add_sites(unit, [SiteEntry(place, BEGAN_MS, SiteState(state), told, (agent,))])

    def add_since(self, site: str, since_ms: int, timezone: str) -> None:
        """Register a site that was commissioned at another time than the rest."""
        agent = Device(site, "agent", "agent", since_ms)
        place = Site(site, site, timezone, since_ms)
        with self.register.transaction() as unit:
            add_sites(unit, [SiteEntry(place, since_ms, SiteState.COMMISSIONED, (), (agent,))])

    def rows(self, spans: Iterable[tuple[int, int, str]], every_ms: int = SLOT) -> list[tuple[int, Kind]]:
        """Return rows of a kind for each span, every five minutes, a minute after its start."""
        return [
            (moment, kind)
            for start, end, name in spans
            for moment in range(start + MINUTE, end, every_ms)
            for kind in KINDS[name]
        ]

    def deliver(self, site: str, rows: list[tuple[int, Kind]], boot: str = "boot-1", booted_ms: int = BEGAN_MS) -> None:
        """Let a batch arrive: into the series store, the feed, and the boots."""
        self.place(site, rows, boot, booted_ms)
        low, high = min(moment for moment, _ in rows), max(moment for moment, _ in rows)
        self.tell(site, low, high, boot=boot, rows=len(rows))

    def place(self, site: str, rows: list[tuple[int, Kind]], boot: str, booted_ms: int) -> None:
        """Write rows into the series store, and keep what is known of their boot."""
        first = next(self._seqs)
        made = [
            Row(first + index, moment - booted_ms, kind[0], tags_of(kind[1]), kind[2])
            for index, (moment, kind) in enumerate(rows)
        ]
        for _ in made[1:]:
            next(self._seqs)
        self.series.write([make_batch(made, site=site, offset_ms=booted_ms)])
        self.know_boot(site, boot, booted_ms, max(moment for moment, _ in rows))

    def tell(self, site: str, low: int | None, high: int | None, *, boot: str = "boot-1", rows: int = 1) -> None:
        """Put a batch's event into the feed."""
        self._position += 1
        now = self.clock.wall_ms()
        event = FeedEvent(
            "main",
            self._position,
            "batch",
            site,
            "agent",
            now,
            "bulk",
            rows=rows,
            event_from_ms=low,
            event_to_ms=high,
            summary={"boot": boot},
        )
        with self.register.transaction() as unit:
            append_feed(unit, [event])
        self.report(now)

    def know_boot(self, site: str, boot: str, started_ms: int | None, last_ms: int) -> None:
        """Keep a boot, as the collector does."""
        now = self.clock.wall_ms()
        mono = last_ms - (started_ms or BEGAN_MS)
        with self.register.transaction() as unit:
            upsert_boots(unit, [Boot(site, "agent", boot, started_ms, False, "ntp", mono, now, now)])

    def report(self, now_ms: int, *, connected: bool = True) -> None:
        """Let the collector say how far it is."""
        reached = self._position if self.series_position is None else self.series_position
        status = CollectorStatus("main", now_ms, connected, now_ms, self._position, reached, self._position)
        with self.register.transaction() as unit:
            upsert_collector_status(unit, status)

    def settle(self, now_ms: int | None = None, *, limit: int = 2_000) -> None:
        """Let time be `now_ms`, the collector having reported all along, and the settler do all there is."""
        if now_ms is not None:
            self.move(now_ms)
        for _ in range(limit):
            if not self.settler.step():
                return
        raise AssertionError("the settler does not come to rest")

    def move(self, now_ms: int) -> None:
        """Let time pass up to `now_ms` without an outage of the collector."""
        with self.register.transaction() as unit:
            unit.connection.execute(delete(collector_status))  # else its silence meanwhile would be an outage
        self.clock.step_wall(now_ms - self.clock.wall_ms())
        self.report(now_ms)

    def intervals(self, site: str, from_ms: int, to_ms: int) -> tuple[Interval, ...]:
        """Return what is settled of a site."""
        with self.register.reading() as unit:
            return read_intervals(unit, [site], from_ms, to_ms)

    def told(self, site: str, from_ms: int, to_ms: int) -> list[tuple[str, str, str, str | None]]:
        """Return the intervals as (from, to, state, cause) with days and times."""
        return [
            (_text(item.start_ms), _text(item.end_ms), item.state.value, item.cause)
            for item in self.intervals(site, from_ms, to_ms)
        ]


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment / 1000, UTC).strftime("%d %H:%M")
