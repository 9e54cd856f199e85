"""The server's side: register, API, broker with passwords, collector; sites to enrol at, releases to hand out."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aldea.agents.enrolling import Where, enrol
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.deploy.broker.access import COLLECTOR
from aldea.deploy.broker.secured import FieldWish, start_secured
from aldea.model.clock import SystemClock
from aldea.model.release import SignedRelease, document_of
from aldea.model.series import Query
from aldea.storage.register import open_register
from aldea.storage.register.commands import DeviceCommand, find_command, queue_command
from aldea.storage.register.devices import Device
from aldea.storage.register.enrolment import issue_code
from aldea.storage.register.releases import add_release, trust_keys
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.register.status import find_status
from aldea.storage.series import open_series_store
from rigs.processes import free_port

DAY_MS = 86_400_000


class Headquarters:
    """Everything of the server that an upgrade needs, on loopback."""

    def __init__(self, folder: Path, public: Path | None) -> None:
        self.clock = SystemClock()
        self.register = open_register(f"sqlite:///{folder / 'register.db'}")
        self.register.migrate()
        self._series = open_series_store(f"sqlite:///{folder / 'series.db'}")
        if public is not None:
            with self.register.transaction() as unit:
                trust_keys(unit, public.read_text(), self.clock.wall_ms())
        wish = FieldWish("127.0.0.1", free_port(), "localhost")
        self._broker = start_secured(folder, wish, self.register, self.clock, lambda _: None)
        secret = self._broker.passwords.collector
        address = BrokerAddress("localhost", wish.port, COLLECTOR, secret, folder / "broker/ca.crt")
        self._address, self._folder = address, folder
        self._collector = self._started()
        self.http = serve(create_app(self.register, self._series, self.clock, ApiSettings()), port=0)

    def _started(self) -> Collector:
        made = Collector("main", self._folder / "collector", self._address, self.register, self._series, self.clock)
        made.start()
        return made

    def fall_silent(self, when: Callable[[], object]) -> None:
        """Have nobody answer from the moment that `when` has come: the broker is there, the collector is not."""
        when()
        self._collector.stop()

    def be_heard(self) -> None:
        """Answer again."""
        self._collector = self._started()

    def enrol(self, site: str, data: Path) -> None:
        """Make a site, and enrol a box of it by a code."""
        now = self.clock.wall_ms()
        shown = Site(id=site, name=site, timezone="America/Merida", created_at_ms=now, simulated=False)
        device = Device(site=site, id="agent", kind="agent", enrolled_at_ms=now)
        with self.register.transaction() as unit:
            add_sites(unit, [SiteEntry(shown, now, SiteState.COMMISSIONED, devices=(device,))])
            code = issue_code(unit, site, "agent", now, "test").text
        enrol(Where(self.http.url), code, data)

    def offer(self, release: SignedRelease, files: dict[str, bytes]) -> None:
        """Add a release."""
        with self.register.transaction() as unit:
            add_release(unit, release, files, "test", self.clock.wall_ms())

    def ask(self, site: str, release: SignedRelease, **more: Any) -> str:
        """Queue an upgrade; return the command's id."""
        payload = {
            "version": release.manifest.version,
            "manifest": document_of(release.manifest),
            "signature": base64.b64encode(release.signature).decode(),
            **more,
        }
        now = self.clock.wall_ms()
        with self.register.transaction() as unit:
            return queue_command(unit, site, "agent", "upgrade", payload, now, now + DAY_MS).id

    def answer(self, command: str) -> DeviceCommand:
        """Return a command as it is now."""
        with self.register.reading() as unit:
            found = find_command(unit, command)
        assert found is not None
        return found

    def ended(self, command: str) -> DeviceCommand | None:
        """Return a command once it is over."""
        found = self.answer(command)
        return found if found.state.is_over else None

    def version_of(self, site: str) -> str | None:
        """Return which version the server believes a site to run."""
        with self.register.reading() as unit:
            found = find_status(unit, site)
        return found[0].agent_version if found else None

    def starts(self, site: str) -> list[tuple[str, str]]:
        """Return why each start of a site's agent was, and its version, as far as it has arrived."""
        found: list[list[str]] = []
        for field in ("cause", "version"):
            values = [series.values for series in self._series.read(Query(site, "boot", field, 0, 2**60))]
            assert all(isinstance(each, list) for each in values)
            found.append([str(value) for each in values for value in each])
        # One that comes between the two questions is in the second answer alone.
        return list(zip(*found, strict=False))

    def close(self) -> None:
        self.http.stop()
        self._collector.stop()
        self._broker.stop()
        self._series.close()
        self.register.close()
