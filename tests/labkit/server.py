"""The server: broker with TLS and passwords, collector, stores, and what is settled; plus the internet's pages."""

from __future__ import annotations

import ssl
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import trustme

from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.collector.settling import Settler
from aldea.model.sample import Value
from aldea.model.series import Query
from aldea.storage.register import open_register
from aldea.storage.register.collectors import upsert_collector_status
from aldea.storage.register.devices import Device
from aldea.storage.register.feed import read_feed
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.register.truth import read_intervals
from aldea.storage.series import open_series_store
from labkit.names import BROKER_PORT, PAGE, PAGE_NAME, SERVER, SERVER_NAME, TEST_PORT
from labkit.serving import Objects, Page, WebServer, serve
from labkit.waiting import wait_for
from rigs.mosquitto import Mosquitto
from rigs.processes import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.model.truth import Interval
    from aldea.storage.register import Register
    from aldea.storage.register.feed import FeedEvent
    from labkit.namespaces import Namespace
    from labkit.time_travel import LabClock

NAME = "lab"
USER, PASSWORD = "village", "only-in-the-lab"
FOREVER_MS = 2**52
_REPORT_SECONDS = 30
_STEPS = 500
MOST_SITES = 60


@dataclass(frozen=True, slots=True)
class Stored:
    """One row as the series store has it: when it was, of what, and its values."""

    at_ms: int
    measurement: str
    tags: Mapping[str, str]
    fields: dict[str, Value] = field(default_factory=dict)

    @property
    def failure(self) -> Value:
        """Its word of failure, None when there is none."""
        return self.fields.get("failure")


class LabCollector(Collector):
    """A collector that reports nothing of its own accord while time is let pass: its word would be hours late."""

    def __init__(
        self, folder: Path, broker: BrokerAddress, register: Register, series: SeriesStore, clock: Clock
    ) -> None:
        super().__init__(NAME, folder, broker, register, series, clock)
        self.reporting = threading.Lock()

    def _report(self) -> bool:
        with self.reporting:
            return super()._report()


class Server:
    """Broker and collector can go and come back; stores and pages stay."""

    def __init__(self, place: Namespace, folder: Path, clock: LabClock, stack: ExitStack) -> None:
        self._place = place
        self._folder = folder
        self._clock = clock
        folder.mkdir()
        self.authority = folder / "ca.pem"
        tls = self._certified()
        serve(stack, place, partial(WebServer, PAGE, 80, Page))
        serve(stack, place, partial(WebServer, PAGE, 443, Page, tls))
        serve(stack, place, partial(WebServer, SERVER, TEST_PORT, Objects))
        self.register = open_register(f"sqlite:///{folder / 'register.db'}")
        stack.callback(self.register.close)
        self.register.migrate()
        self.series = open_series_store(f"sqlite:///{folder / 'series.db'}")
        stack.callback(self.series.close)
        self._sites = self._registered()
        self._collector: LabCollector | None = None
        self._broker = self._made_broker()
        stack.callback(self.stop_broker)
        stack.callback(self.stop_collector)
        self.start_broker()
        self.start_collector()

    # ------------------------------------------------------------ broker and collector

    def start_broker(self) -> None:
        """Start it, on the port it had."""
        self._place.call(self._broker.start)

    def stop_broker(self) -> None:
        """End it: its port is closed."""
        self._place.call(self._broker.stop)

    def start_collector(self) -> None:
        """Start a collector over the journal that is there."""
        address = BrokerAddress(port=self._broker.port)
        collector = LabCollector(self._folder / "collector", address, self.register, self.series, self._clock)
        self._collector = collector
        self._place.call(collector.start)
        wait_for(lambda: collector.status().connected, "the collector is not connected")

    def stop_collector(self) -> None:
        """End it in good order; its journal stays."""
        collector, self._collector = self._collector, None
        if collector is not None:
            collector.stop()

    def _made_broker(self) -> Mosquitto:
        passwords = self._folder / "passwords"
        self._place.run(find_program("mosquitto_passwd", "mosquitto"), "-b", "-c", str(passwords), USER, PASSWORD)
        lines = [f"listener {BROKER_PORT} {SERVER}", "allow_anonymous false", f"password_file {passwords}"]
        lines += [f"certfile {self._folder / 'server.pem'}", f"keyfile {self._folder / 'server.key'}"]
        return Mosquitto(self._folder / "broker", lines, first=["per_listener_settings true"])

    def _certified(self) -> ssl.SSLContext:
        """Make an authority and the certificates of broker and page; return what the page encrypts with."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.authority))
        certificate = authority.issue_cert(SERVER_NAME, SERVER)
        (self._folder / "server.pem").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
        certificate.private_key_pem.write_to_path(str(self._folder / "server.key"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(PAGE_NAME).configure_cert(context)
        return context

    # ------------------------------------------------------------ what it knows

    def _registered(self) -> Iterator[str]:
        """Register sites for all to come: one that is new to a running collector has to wait to be known."""
        sites = [f"village-{number:02d}" for number in range(1, MOST_SITES + 1)]
        since = self._clock.wall_ms() - 3_600_000
        entries = [
            SiteEntry(
                Site(site, site, "UTC", since),
                since,
                SiteState.COMMISSIONED,
                (),
                (Device(site, "agent", "agent", since),),
            )
            for site in sites
        ]
        with self.register.transaction() as unit:
            add_sites(unit, entries)
        return iter(sites)

    def new_site(self) -> str:
        """Return a registered site that nobody has had yet."""
        return next(self._sites)

    def caught_up(self) -> bool:
        """Say whether everything in the journal is in the stores."""
        if self._collector is None:
            return False
        status = self._collector.status()
        return status.series_position >= status.journal_position <= status.feed_position

    def rows(self, site: str, measurement: str, from_ms: int = 0, **tags: str) -> list[Stored]:
        """Return a site's rows of a measurement since a time, in order of time."""
        found: dict[tuple[int, tuple[tuple[str, str], ...]], Stored] = {}
        for info in self.series.catalogue(site):
            if info.measurement != measurement or not tags.items() <= dict(info.tags).items():
                continue
            for name in info.fields:
                query = Query(site, measurement, name, from_ms, FOREVER_MS, tags=dict(info.tags))
                for series in self.series.read(query):
                    values = series.values if isinstance(series.values, list) else series.values.tolist()
                    for at_ms, value in zip(series.times_ms.tolist(), values, strict=True):
                        row = found.setdefault((at_ms, series.tags), Stored(at_ms, measurement, dict(series.tags)))
                        row.fields[name] = value
        return [found[key] for key in sorted(found)]

    def feed(self, site: str) -> list[FeedEvent]:
        """Return the batches of a site that brought something new, in the order of arrival.

        One that is sent again, because its answer took its time, is an event without rows.
        """
        with self.register.reading() as unit:
            events = read_feed(unit, NAME, 0, 100_000)
        return [event for event in events if event.site == site and event.kind == "batch" and event.first_seq]

    # ------------------------------------------------------------ time and truth

    def pass_time(self, minutes: float) -> None:
        """Let time pass for the collector, which reports all along."""
        left = round(60 * minutes)
        with nullcontext() if self._collector is None else self._collector.reporting:
            while left > 0:
                step = min(left, _REPORT_SECONDS)
                self._clock.passed_seconds += step
                left -= step
                self._report()

    def settle(self) -> None:
        """Let a settler do all there is to do."""
        wait_for(self.caught_up, "the stores have not caught up with the journal")
        self._report()
        settler = Settler(self.register, self.series, self._clock)
        steps = 0
        while settler.step():
            steps += 1
            assert steps < _STEPS, "the settler does not come to rest"

    def truth(self, site: str, from_ms: int, to_ms: int) -> tuple[Interval, ...]:
        """Return what is settled of a site within a time."""
        with self.register.reading() as unit:
            return read_intervals(unit, [site], from_ms, to_ms)

    def truth_at(self, site: str, at_ms: int) -> Interval:
        """Return what is settled of a site at a moment. Raises AssertionError where nothing is."""
        found = self.truth(site, at_ms, at_ms + 1)
        assert found, f"nothing is settled of {site} at {at_ms}"
        return found[0]

    def _report(self) -> None:
        if self._collector is None:
            return
        status = self._collector.status()
        with self.register.transaction() as unit:
            upsert_collector_status(unit, status)
