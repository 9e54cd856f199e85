"""The all-in-one server: what is started in which order, and stopped in the other."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from aldea.agents.lock import FolderLock
from aldea.agents.overlay.checking import agent_guide
from aldea.collector.service import Collector
from aldea.dashboard_api.access.opening import check_address
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import CannotServe, RunningServer, serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.deploy.allinone.brokering import start_own_broker
from aldea.deploy.allinone.children import Child
from aldea.deploy.allinone.fleet import FleetBeside, fleet_arguments
from aldea.deploy.allinone.seeding import (
    THIS_DEVICE,
    THIS_SITE,
    demo_is_wanted,
    local_zone,
    register_fleet,
    register_this_machine,
    remove_fleet,
)
from aldea.deploy.backup.places import Places
from aldea.deploy.judging.judging import Judging
from aldea.deploy.judging.upkeep import UpkeepPlan
from aldea.deploy.realstart.watching import RealStart
from aldea.model.checks import is_loopback
from aldea.storage.register import open_register
from aldea.storage.register.endpoint import set_server_url
from aldea.storage.series import open_series_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fastapi import FastAPI

    from aldea.deploy.allinone.settings import Everything
    from aldea.deploy.broker.base import Broker
    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register

log = logging.getLogger(__name__)

DEFAULT_HTTP_PORT = 8000
OURS_TO_SAY = ("ALDEA_DATA", "ALDEA_SITE", "ALDEA_DEVICE")


class AllInOne:
    """Aldea on one machine. `start` returns once the pages answer; `stop` leaves nothing running.

    `say` gets sentences for the person at the terminal, `on_progress` the simulator's lines; `config` is the
    settings file that was named, for the agent to read too.
    """

    def __init__(
        self,
        everything: Everything,
        clock: Clock,
        environ: Mapping[str, str],
        say: Callable[[str], None],
        on_progress: Callable[[str], None],
        config: Path | None = None,
    ) -> None:
        self.settings = everything.up
        self._everything = everything
        self.url = ""
        self._clock = clock
        self._environ = environ
        self._say = say
        self._on_progress = on_progress
        self._config = config
        self._stack = ExitStack()

    def start(self) -> None:
        """Start every part; when one fails, those before it are stopped and the error goes on."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every part, last started first."""
        self._stack.close()

    def _start(self) -> None:
        settings, data = self.settings, self.settings.data.resolve()
        self._stack.callback(FolderLock(data, "aldea").release)
        register = open_register(f"sqlite:///{data / 'register.db'}")
        self._stack.callback(register.close)
        register.migrate()
        check_address(register, settings.http_host)
        store = open_series_store(f"sqlite:///{data / 'series.db'}")
        self._stack.callback(store.close)
        register_this_machine(register, self._clock)
        demo = demo_is_wanted(register, asked=settings.demo)
        if demo:
            register_fleet(register, self._clock)
        elif removed := remove_fleet(register, store, data / "simulator"):
            self._say(f"the {removed} simulated sites have left")
        own = start_own_broker(settings, data, register, self._clock, self._say)
        self._stack.callback(own.broker.stop)
        # First of all: it takes its time to start, and its first reading is what a person waits for.
        self._start_child("agent", "aldea.agents", self._agent_arguments(own.broker, data), own.agent)
        collector = Collector(
            "main", data / "collector", own.collector, register, store, self._clock, foreign=self._everything.foreign
        )
        collector.start()
        self._stack.callback(collector.stop)
        server = self._serve(create_app(register, store, self._clock, self._api_settings(), agent_guide()))
        self._stack.callback(server.stop)
        self.url = server.url
        with register.transaction() as unit:
            set_server_url(unit, self._public_url)
        judging = self._judging(register, store, collector)
        judging.start()
        self._stack.callback(judging.stop)
        fleet = None
        if demo:
            fleet = self._start_child("simulator", "aldea.simulator", fleet_arguments(own, data), own.simulator)
        beside = FleetBeside(own, collector, fleet)
        real_start = RealStart(register, store, data / "simulator", beside.surroundings, self._say)
        real_start.start()
        self._stack.callback(real_start.stop)

    def _api_settings(self) -> ApiSettings:
        local = is_loopback(self.settings.http_host)
        return ApiSettings(demo_admin=local, time_zone=local_zone(), public_url=self._everything.alerts.public_url)

    def _serve(self, app: FastAPI) -> RunningServer:
        """Serve on the port that was set; else on 8000, or any free port where that is taken."""
        host, port = self.settings.http_host, self.settings.http_port
        if port is not None:
            return serve(app, host, port, self.settings.certificate)
        try:
            return serve(app, host, DEFAULT_HTTP_PORT, self.settings.certificate)
        except CannotServe:
            server = serve(app, host, 0, self.settings.certificate)
            self._say(f"port {DEFAULT_HTTP_PORT} is in use by another program, so the pages are on {server.port}")
            return server

    @property
    def _public_url(self) -> str:
        """Where people and devices reach the pages: as it was set, else where they are served."""
        return (self._everything.alerts.public_url or self.url).rstrip("/")

    def _judging(self, register: Register, store: SeriesStore, collector: Collector) -> Judging:
        data = self.settings.data.resolve()
        places = Places(data, f"sqlite:///{data / 'register.db'}", f"sqlite:///{data / 'series.db'}")
        plan = UpkeepPlan(self.settings.keep_days, self.settings.backup_keep, places, data / "backups")
        alerts = replace(self._everything.alerts, public_url=self._public_url)
        return Judging(register, store, self._clock, alerts, self._everything.rules, plan, collector.trim)

    def _agent_arguments(self, broker: Broker, data: Path) -> list[str]:
        config = [] if self._config is None else ["--config", str(self._config)]
        return [
            "run",
            *config,
            "--site",
            THIS_SITE,
            "--device",
            THIS_DEVICE,
            "--data",
            str(data / "agent"),
            "--mqtt-host",
            broker.host,
            "--mqtt-port",
            str(broker.port),
        ]

    def _start_child(self, name: str, module: str, arguments: list[str], sign_in: Mapping[str, str]) -> Child:
        data = self.settings.data.resolve()
        (data / name).mkdir(parents=True, exist_ok=True)
        logs = data / "logs"
        logs.mkdir(exist_ok=True)
        # Measuring often costs nothing on loopback; at a site the agent's own defaults hold.
        often = str(self.settings.send_seconds)
        environ = {"ALDEA_SAMPLE_SECONDS": often, "ALDEA_SEND_SECONDS": often, **self._environ}
        # Where our children keep their data and find the broker is ours to say, not the environment's.
        for taken in [name for name in environ if name.startswith("ALDEA_MQTT_") or name in OURS_TO_SAY]:
            del environ[taken]
        environ.update(sign_in)
        child = Child(name, module, arguments, environ, logs / f"{name}.log", self._on_progress)
        child.start()
        self._stack.callback(child.stop)
        return child
