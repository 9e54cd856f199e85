"""A register and a series store with sites to look at, filled the way a collector fills them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aldea.model.sample import Row, Value
from aldea.model.series import SeriesStore
from aldea.storage.register import Register, open_register
from aldea.storage.register.collectors import CollectorStatus, upsert_collector_status
from aldea.storage.register.devices import Device
from aldea.storage.register.facts import NewFact
from aldea.storage.register.feed import FeedEvent, append_feed
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.register.status import Latest, Presence, StatusUpdate, upsert_status
from aldea.storage.register.streams import Gap, GapState, Stream, upsert_streams
from aldea.storage.series import open_series_store
from builders import make_batch, make_row
from registerkit import clean_file

NOW_MS = 1_795_366_800_000
"""2026-11-22 17:00 UTC."""

Measured = tuple[int, str, dict[str, str], dict[str, Value]]
"""A row to store: wall ms, measurement, tags, fields."""

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

PLACES = (
    ("Yaxcabá", "Yucatán", "31104", "America/Merida"),
    ("Tekax", "Yucatán", "31079", "America/Merida"),
    ("Tonalá", "Chiapas", "07097", "America/Mexico_City"),
    ("Mezcalapa", "Chiapas", "07124", "America/Mexico_City"),
    ("Ciudad Juárez", "Chihuahua", "08037", "America/Ciudad_Juarez"),
)


class Village:
    """The stores, and shorthands that write into them what a collector would."""

    def __init__(self, folder: Path) -> None:
        self.register: Register = open_register(clean_file(folder))
        self.series: SeriesStore = open_series_store(f"sqlite:///{folder}/series.db")
        self._position = 0
        self._seq = 0

    def close(self) -> None:
        self.series.close()
        self.register.close()

    def add_sites(self, count: int, *, simulated: bool = True, prefix: str = "sitio") -> list[str]:
        entries = [_entry(f"{prefix}-{number:02d}", number, simulated=simulated) for number in range(1, count + 1)]
        with self.register.transaction() as unit:
            add_sites(unit, entries)
        return [entry.site.id for entry in entries]

    def hear(self, site: str, at_ms: int, **other: Any) -> None:
        """A batch has arrived: live status and the feed's event, as a collector writes them."""
        self._position += 1
        event = FeedEvent(
            "c1",
            self._position,
            "batch",
            site,
            "agent",
            at_ms,
            "live",
            rows=10,
            event_from_ms=at_ms - MINUTE,
            event_to_ms=at_ms,
        )
        update = StatusUpdate(
            site,
            "agent",
            arrival_ms=at_ms,
            event_ms=at_ms,
            presence=Presence.ONLINE,
            presence_ms=at_ms,
            connection=1,
            interval_seconds=300,
            clock_state="ntp",
            **{"agent_version": "0.1.0", **other},
        )
        with self.register.transaction() as unit:
            append_feed(unit, [event])
            upsert_status(unit, [update])

    def lose(self, site: str, at_ms: int) -> None:
        """The broker has sent the site's last will."""
        will = StatusUpdate(site, "agent", presence=Presence.OFFLINE, presence_ms=at_ms, connection=1)
        with self.register.transaction() as unit:
            upsert_status(unit, [will])

    def remember(self, site: str, at_ms: int, fields: dict[str, Value]) -> None:
        with self.register.transaction() as unit:
            found = {"ping|role=anchor|target=1.1.1.1": Latest(at_ms, fields)}
            upsert_status(unit, [StatusUpdate(site, "agent", arrival_ms=at_ms, latest=found)])

    def report(self, at_ms: int, **other: Any) -> None:
        """The collector has reported itself."""
        values: dict[str, Any] = {
            "connected": True,
            "last_commit_ms": at_ms,
            "journal_position": 12,
            "series_position": 12,
            "feed_position": 11,
            "counters": {"messages": 12, "rows_stored": 480, "rows_duplicate": 3},
            "quarantine": {"malformed": 2},
            **other,
        }
        with self.register.transaction() as unit:
            upsert_collector_status(unit, CollectorStatus("c1", at_ms, **values))

    def cover(
        self, site: str, stored: int, *, lost: int = 0, still: int = 0, explained: int = 0, at_ms: int = NOW_MS
    ) -> None:
        total = stored + lost + still + explained
        gaps, reached = [], stored // 2
        for count, state in ((lost, GapState.LOST), (explained, GapState.EXPLAINED), (still, GapState.OPEN)):
            if count:
                gaps.append(Gap(reached + 1, reached + count, state))
                reached += count + 5
        row = Stream(
            site,
            "agent",
            "4f1c2a90b7de3355",
            1,
            total,
            stored,
            explained,
            lost,
            still,
            total - still,
            at_ms,
            at_ms,
            tuple(gaps),
        )
        with self.register.transaction() as unit:
            upsert_streams(unit, [row])

    def measure(self, site: str, rows: Sequence[Measured]) -> None:
        """Store rows of (wall ms, measurement, tags, fields)."""
        made: list[Row] = []
        for at_ms, measurement, tags, fields in rows:
            self._seq += 1
            made.append(make_row(self._seq, at_ms, fields, measurement=measurement, tags=tags))
        for first in range(0, len(made), 2000):
            self.series.write([make_batch(made[first : first + 2000], site=site, offset_ms=0)])


def _entry(site_id: str, number: int, *, simulated: bool) -> SiteEntry:
    municipality, state, code, zone = PLACES[number % len(PLACES)]
    facts = [
        NewFact("municipality", municipality),
        NewFact("state_name", state),
        NewFact("inegi_code", code),
        NewFact("provider", ("Satélite Uno", "Red del Sur")[number % 2]),
        NewFact("technology", ("geo", "leo")[number % 2]),
        NewFact("programme", "aldeas", "aldeas"),
    ]
    site = Site(
        site_id,
        f"{municipality} {number}",
        zone,
        NOW_MS - 60 * DAY,
        simulated=simulated,
        latitude=20.5 + number % 100 / 100,
        longitude=-88.8,
    )
    device = Device(
        site_id, "agent", "agent", NOW_MS - 60 * DAY, sees={"wan_bytes": True, "clients": True, "power": False}
    )
    return SiteEntry(site, NOW_MS - 60 * DAY, SiteState.COMMISSIONED, tuple(facts), (device,))


def rows_of_a_day(
    end_ms: int = NOW_MS, length_ms: int = DAY, step_ms: int = 5 * MINUTE, seed: int = 7
) -> list[tuple[int, str, dict[str, str], dict[str, Value]]]:
    """Rows of every kind, with three hours missing and some failures."""
    chance = random.Random(seed)
    rows: list[Measured] = []
    for at in range(end_ms - length_ms, end_ms, step_ms):
        if end_ms - 9 * HOUR < at < end_ms - 6 * HOUR:
            continue
        busy = max(0.05, math.sin(((at % DAY) / HOUR - 13) / 24 * 2 * math.pi) * 0.5 + 0.5)
        rows += [(at, *row) for row in _rows_at(busy, step_ms / 1000, chance)]
    return rows


def _rows_at(busy: float, seconds: float, chance: random.Random) -> list[tuple[str, dict[str, str], dict[str, Value]]]:
    down = int(busy * 6e7 * (0.6 + chance.random() * 0.6))
    dns: dict[str, Value] = {"duration_seconds": round(0.64 + 0.3 * busy * chance.random(), 5), "answers": 2}
    web: dict[str, Value] = {"duration_seconds": round(1.7 + busy * chance.random(), 5), "status_code": 200}
    wan: dict[str, Value] = {"rx_bytes": down, "tx_bytes": down // 8, "interval_seconds": seconds, "up": True}
    card: dict[str, Value] = {"rx_bytes": 80_000, "tx_bytes": 50_000, "interval_seconds": seconds, "up": True}
    host: dict[str, Value] = {"uptime_seconds": 864_000, "load1": 0.12, "disk_used_ratio": 0.23, "clock": "ntp"}
    return [
        _ping("192.168.1.1", "gateway", 0.0015 * (1 + busy), chance, fails=0),
        _ping("1.1.1.1", "anchor", 0.58 * (1 + 0.25 * busy), chance, fails=0.02),
        _ping("10.8.0.1", "anchor", 0.61 * (1 + 0.25 * busy), chance, fails=0.02),
        ("dns", {"target": "gob.mx", "server": "192.168.1.1"}, dns),
        ("http", {"target": "https://www.gob.mx"}, web),
        ("snmp", {"target": "192.168.1.1", "interface": "wan"}, wan | {"clients": int(busy * 24)}),
        ("interfaces", {"interface": "eth0"}, card),
        ("host", {}, host | {"memory_used_ratio": round(0.41 + busy * 0.1, 4), "temperature_celsius": 48.5}),
    ]


def _ping(
    target: str, role: str, seconds: float, chance: random.Random, *, fails: float
) -> tuple[str, dict[str, str], dict[str, Value]]:
    tags = {"target": target, "role": role}
    if chance.random() < fails:
        return "ping", tags, {"sent": 3, "received": 0, "loss_ratio": 1.0, "failure": "no_reply", "method": "icmp"}
    loss, seconds = max(0.0, chance.gauss(0.01, 0.01)), seconds * (1 + chance.random() * 0.1)
    values: dict[str, Value] = {"sent": 3, "received": 3, "loss_ratio": round(loss, 3), "method": "icmp"}
    return "ping", tags, values | {"rtt_avg_seconds": round(seconds, 5)}


def fill(village: Village, now_ms: int = NOW_MS, simulated: int = 12) -> None:
    """One real site with a day of measurements, and simulated ones in every state."""
    (real,) = village.add_sites(1, simulated=False, prefix="escuela")
    village.measure(real, rows_of_a_day(now_ms))
    village.hear(real, now_ms - 40_000)
    village.cover(real, 9_871, lost=12, still=36, explained=20, at_ms=now_ms - MINUTE)
    for number, site in enumerate(village.add_sites(simulated, simulated=True, prefix="aldea")):
        if number % 11 == 5:
            continue
        silence = {3: 5 * HOUR, 7: 13 * MINUTE, 8: 3 * DAY}.get(number % 12, (number % 5) * MINUTE)
        village.hear(site, now_ms - silence)
        village.cover(site, 8_000, lost=(number * 37) % 90, still=(number * 11) % 60, at_ms=now_ms - silence)
    village.report(now_ms - 5_000)
