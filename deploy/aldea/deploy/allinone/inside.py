"""What runs in the all-in-one's own process: collector, pages, judging.

Loading all that takes longer than everything before it, so it is imported while the agent starts beside us.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aldea.agents.overlay.checking import agent_guide
from aldea.collector.service import Collector
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import CannotServe, HttpServer, prepare
from aldea.dashboard_api.settings import ApiSettings
from aldea.deploy.allinone.seeding import local_zone
from aldea.deploy.backup.places import Places
from aldea.deploy.judging.judging import Judging
from aldea.deploy.judging.upkeep import UpkeepPlan
from aldea.deploy.words import said
from aldea.model.checks import is_loopback
from aldea.storage.register.endpoint import set_server_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from fastapi import FastAPI

    from aldea.collector.mqtt import BrokerAddress
    from aldea.deploy.allinone.settings import Everything
    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register


DEFAULT_HTTP_PORT = 8000


@dataclass(frozen=True, slots=True)
class Inside:
    """The parts that share this process, over one register and one store. `say` gets sentences for a person."""

    everything: Everything
    register: Register
    store: SeriesStore
    clock: Clock
    say: Callable[[str], None]

    def start_collector(self, broker: BrokerAddress, stack: ExitStack) -> Collector:
        """Start to take what agents send; `stack` stops it."""
        collector = Collector(
            "main",
            self.everything.up.data.resolve() / "collector",
            broker,
            self.register,
            self.store,
            self.clock,
            foreign=self.everything.foreign,
        )
        collector.start()
        stack.callback(collector.stop)
        return collector

    def start_pages(self, stack: ExitStack) -> str:
        """Serve API and pages and return their URL; `stack` stops them. Raises CannotServe."""
        server = self._prepare(create_app(self.register, self.store, self.clock, self._api_settings(), agent_guide()))
        stack.callback(server.stop)
        with self.register.transaction() as unit:  # before the first answer, so that no code names another address
            set_server_url(unit, self._public_url(server.url))
        server.start()
        return server.url

    def start_judging(self, collector: Collector, url: str, stack: ExitStack) -> None:
        """Start to settle, judge, tell people and compute; `stack` stops it."""
        settings, data = self.everything.up, self.everything.up.data.resolve()
        places = Places(data, f"sqlite:///{data / 'register.db'}", f"sqlite:///{data / 'series.db'}")
        plan = UpkeepPlan(settings.keep_days, settings.backup_keep, places, data / "backups")
        alerts = replace(self.everything.alerts, public_url=self._public_url(url))
        judging = Judging(self.register, self.store, self.clock, alerts, self.everything.rules, plan, collector.trim)
        judging.start()
        stack.callback(judging.stop)

    def _api_settings(self) -> ApiSettings:
        local = is_loopback(self.everything.up.http_host)
        return ApiSettings(demo_admin=local, time_zone=local_zone(), public_url=self.everything.alerts.public_url)

    def _public_url(self, url: str) -> str:
        """Where people and devices reach the pages: as it was set, else where they are served."""
        return (self.everything.alerts.public_url or url).rstrip("/")

    def _prepare(self, app: FastAPI) -> HttpServer:
        """Take the port that was set; else 8000, or any free port where that is taken."""
        settings = self.everything.up
        host, port = settings.http_host, settings.http_port
        if port is not None:
            return prepare(app, host, port, settings.certificate)
        try:
            return prepare(app, host, DEFAULT_HTTP_PORT, settings.certificate)
        except CannotServe:
            server = prepare(app, host, 0, settings.certificate)
            self.say(
                said(
                    "port %(port)s is in use by another program, so the pages are on %(other)s",
                    port=DEFAULT_HTTP_PORT,
                    other=server.port,
                )
            )
            return server
