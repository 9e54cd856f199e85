"""How long the API and the first page take, and what a phone has to fetch: a real server, asked over loopback."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aldea.model.clock import SystemClock
from aldea.simulator.fleet import SimulatedSite, registrations
from aldea.storage.register import Register, open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.facts import NewFact
from aldea.storage.register.feed import FeedEvent, append_feed
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.register.status import Latest, Presence, StatusUpdate, upsert_status
from aldea.storage.register.streams import Stream, upsert_streams
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from bench.pages_fill import fill_judged, fill_records
from bench.report import CannotMeasure, Figure, median, percentile
from bench.values_fill import fill_values
from bench.village import wait_until
from builders import make_batch, make_pings
from rigs.processes import LOOPBACK, free_port, port_answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FLEETS = {76: 50.0, 10_000: 200.0}
YEAR_BUDGET_MS, FIRST_PAGE_BUDGET_KB = 100.0, 50.0
LISTS = ("/incidents?kind=simulated", "/records?kind=simulated")
MACHINES, PEOPLE = "acc_availability_total_pct", "apr_course_completion_pct"
FIGURES = (
    "/indicators?kind=simulated",
    f"/indicators/{MACHINES}?kind=simulated",
    f"/indicators/{PEOPLE}?kind=simulated",
    f"/api/v1/indicators/{PEOPLE}/values?simulated=true",
    f"/api/v1/indicators/{MACHINES}/values?simulated=true&area=site",
)
MINUTE, DAY = 60_000, 86_400_000
DAYS = 365
ROUNDS = 3


def section(*, quick: bool) -> list[Figure]:
    """Measure both fleets' pages, one site's year and the first page's size."""
    figures: list[Figure] = []
    for sites, budget in FLEETS.items():
        requests = 15 if quick else 70 if sites < 1000 else 30
        with tempfile.TemporaryDirectory(prefix="aldea-bench-") as name:
            folder = Path(name)
            register = open_register(f"sqlite:///{folder / 'register.db'}")
            register.migrate()
            fill(register, sites)
            register.close()
            first = registrations()[0].id
            _fill_year(folder, first, DAYS)
            with _served(folder) as port:
                paths = ("/api/v1/sites", "/", f"/sites/{first}", *LISTS, *FIGURES)
                asked = {path: f"GET {path}, {sites:,} sites, p95" for path in paths}
                figures += _latencies(port, asked, requests, budget)
                if sites == 76:
                    figures += _year(port, first, max(10, requests // 3))
                    figures.append(_first_page(port))
    return figures


def fill(register: Register, count: int) -> None:
    """Enter `count` sites as a running server leaves them: status, coverage, truth, records, a year of values."""
    now = SystemClock().wall_ms()
    pattern = registrations()
    sites = [_entry(pattern[number % len(pattern)], number, now) for number in range(count)]
    for first in range(0, count, 1000):
        part = sites[first : first + 1000]
        with register.transaction() as unit:
            add_sites(unit, part)
            upsert_status(unit, [_status(entry.site.id, first + place, now) for place, entry in enumerate(part)])
            upsert_streams(unit, [_stream(entry.site.id, now) for entry in part])
            append_feed(unit, [_event(entry.site.id, first + place + 1, now) for place, entry in enumerate(part)])
    fill_judged(register, [entry.site.id for entry in sites], now)
    fill_records(register, [entry.site.id for entry in sites], now)
    fill_values(register, sites, now)


def _entry(like: SimulatedSite, number: int, now: int) -> SiteEntry:
    turn = number // len(registrations())
    site_id = like.id if turn == 0 else f"{like.id[:30]}-{turn}"
    site = Site(
        id=site_id,
        name=like.name if turn == 0 else f"{like.name} {turn}",
        timezone=like.timezone,
        created_at_ms=now - 400 * DAY,
        simulated=True,
        latitude=like.latitude,
        longitude=like.longitude,
    )
    facts = tuple(NewFact(name, value) for name, value in like.facts().items())
    device = Device(site=site_id, id=like.device, kind="agent", enrolled_at_ms=now - 400 * DAY)
    return SiteEntry(site, now - 400 * DAY, SiteState.COMMISSIONED, facts, (device,))


def _status(site: str, number: int, now: int) -> StatusUpdate:
    heard = now - (6 * 3_600_000 if number % 12 == 3 else number % 4 * MINUTE)
    ping = Latest(heard, {"sent": 3, "received": 3, "loss_ratio": 0.0, "rtt_avg_seconds": 0.61, "method": "icmp"})
    host = Latest(heard, {"uptime_seconds": 864_000, "load1": 0.12, "memory_used_ratio": 0.41})
    return StatusUpdate(
        site,
        registrations()[0].device,
        arrival_ms=heard,
        event_ms=heard,
        presence=Presence.ONLINE,
        presence_ms=heard,
        connection=1,
        interval_seconds=300,
        clock_state="ntp",
        agent_version="0.1.0",
        latest={"ping|role=anchor|target=1.1.1.1": ping, "host": host},
    )


def _stream(site: str, now: int) -> Stream:
    device = registrations()[0].device
    return Stream(site, device, "4f1c2a90b7de3355", 1, 100_000, 99_000, 600, 300, 100, 99_900, now, now, ())


def _event(site: str, position: int, now: int) -> FeedEvent:
    device = registrations()[0].device
    return FeedEvent("main", position, "batch", site, device, now, "live", rows=15, event_from_ms=now, event_to_ms=now)


def _fill_year(folder: Path, site: str, days: int) -> None:
    """Store a ping each five minutes, and roll the hours up, as the server's upkeep does."""
    store = SqliteSeriesStore(folder / "series.db")
    now = SystemClock().wall_ms()
    start = now - days * DAY
    for day in range(days):
        times = range(start + day * DAY, start + (day + 1) * DAY, 5 * MINUTE)
        rows = make_pings(times, first_seq=1 + day * len(times), targets=("1.1.1.1",))
        store.write([make_batch(rows, site=site, device=registrations()[0].device, offset_ms=0)])
    store.compact(now - DAY)
    while store.roll_up():
        pass
    store.close()


@contextmanager
def _served(folder: Path) -> Iterator[int]:
    """Run `aldea api` on these stores; yield its port."""
    port = free_port()
    environ = {**os.environ, "ALDEA_DATA": str(folder), "ALDEA_HTTP_PORT": str(port)}
    code = "import sys; from aldea.deploy.cli.main import main; sys.exit(main(['api']))"
    with (folder / "api.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=log, stderr=log)
    try:
        wait_until(lambda: port_answers(port), "aldea api does not answer")
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(15)


def _get(connection: http.client.HTTPConnection, path: str) -> tuple[bytes, int]:
    """Return the body as it came, and how many bytes the whole answer had."""
    connection.request("GET", path, headers={"Accept-Encoding": "gzip", "Accept": "*/*", "Accept-Language": "es"})
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise CannotMeasure(f"GET {path} answered {response.status}: {body[:200]!r}")
    head = sum(len(name) + len(value) + 4 for name, value in response.getheaders()) + 19
    return body, len(body) + head


def _times(port: int, path: str, requests: int) -> list[float]:
    """Return how many milliseconds each request took, one after the other on one connection."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    for _ in range(3):
        _get(connection, path)
    found: list[float] = []
    for _ in range(requests):
        started = time.perf_counter()
        _get(connection, path)
        found.append(1000 * (time.perf_counter() - started))
    connection.close()
    return found


def _latencies(port: int, asked: Mapping[str, str], requests: int, budget: float) -> list[Figure]:
    """Ask for each path (with what it is called) in rounds that take turns; the median of its rounds' p95 counts.

    Another program that takes the machine for some seconds spoils a round of each path, not all rounds of one. The
    median lets one spoilt round pass, and no more.
    """
    rounds: dict[str, list[list[float]]] = {path: [] for path in asked}
    for _ in range(ROUNDS):
        for path in asked:
            rounds[path].append(_times(port, path, requests))
    return [_latency(what, rounds[path], budget) for path, what in asked.items()]


def _latency(what: str, rounds: Sequence[Sequence[float]], budget: float) -> Figure:
    found = [percentile(times, 0.95) for times in rounds]
    every = [time for times in rounds for time in times]
    said = ", ".join(f"{one:.1f}" for one in found)
    note = f"{len(rounds)} rounds of {len(rounds[0])} requests, gzip; p95 {said} ms; of all rounds: "
    note += f"median {median(every):.1f} ms, p95 {percentile(every, 0.95):.1f} ms, longest {max(every):.1f} ms"
    return Figure(what, median(found), "ms", budget, note=note)


def _year(port: int, site: str, requests: int) -> Sequence[Figure]:
    end = SystemClock().wall_ms() // 1000
    start = end - DAYS * DAY // 1000
    address = f"/api/v1/sites/{site}/series?measurement=ping&field=rtt_avg_seconds"
    span = f"&start={_iso(start)}&end={_iso(end)}"
    asked = {f"{address}{span}&step={step}": f"one year of a site, step {step}, p95" for step in ("1d", "1h")}
    return _latencies(port, asked, requests, YEAR_BUDGET_MS)


def _iso(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _first_page(port: int) -> Figure:
    """Return what a phone fetches for the first page: the page and what it names (styles, script, icon)."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=30)
    connection.request("GET", "/", headers={"Accept-Language": "es"})
    page = connection.getresponse().read().decode()
    parts = {"/"} | set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    sizes = {path: _get(connection, path)[1] for path in sorted(parts)}
    connection.close()
    named = ", ".join(
        f"{path.split('?')[0].rsplit('/', 1)[-1] or 'page'} {size / 1000:.1f}" for path, size in sizes.items()
    )
    return Figure(
        "first page, 76 sites",
        sum(sizes.values()) / 1000,
        "kB",
        FIRST_PAGE_BUDGET_KB,
        note=f"gzip, headers included: {named}",
    )
