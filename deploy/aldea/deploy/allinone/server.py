"""The all-in-one server: what is started in which order, and stopped in the other."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from aldea.agents.lock import FolderLock
from aldea.dashboard_api.access.opening import check_address
from aldea.deploy.allinone.brokering import start_own_broker
from aldea.deploy.allinone.children import Child
from aldea.deploy.allinone.fleet import FleetBeside, fleet_arguments
from aldea.deploy.allinone.seeding import (
    THIS_DEVICE,
    THIS_SITE,
    demo_is_wanted,
    register_fleet,
    register_this_machine,
    remove_fleet,
)
from aldea.deploy.realstart.watching import RealStart
from aldea.deploy.words import said, sentence_of
from aldea.model.series import StoreUnavailable
from aldea.storage.register import open_register
from aldea.storage.series import open_series_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from aldea.deploy.allinone.settings import Everything
    from aldea.deploy.broker.base import Broker
    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore

OURS_TO_SAY = ("ALDEA_DATA", "ALDEA_SITE", "ALDEA_DEVICE")


def _series_of(data: Path) -> SeriesStore:
    try:
        return open_series_store(f"sqlite:///{data / 'series.db'}")
    except ValueError as error:  # it was written by another version
        raise StoreUnavailable(sentence_of(error)) from error


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
        store = _series_of(data)
        self._stack.callback(store.close)
        register_this_machine(register, self._clock)
        demo = demo_is_wanted(register, asked=settings.demo)
        if demo:
            register_fleet(register, self._clock)
        elif removed := remove_fleet(register, store, data / "simulator"):
            self._say(said("the %(count)s simulated sites have left", count=removed))
        own = start_own_broker(settings, data, register, self._clock, self._say)
        self._stack.callback(own.broker.stop)
        # First of all: it takes its time to start, and its first reading is what a person waits for.
        self._start_child("agent", "aldea.agents", self._agent_arguments(own.broker, data), own.agent)
        # Meanwhile, on another core, the rest of us is loaded.
        from aldea.deploy.allinone.inside import Inside  # noqa: PLC0415 - see above

        inside = Inside(self._everything, register, store, self._clock, self._say)
        collector = inside.start_collector(own.collector, self._stack)
        self.url = inside.start_pages(self._stack)
        inside.start_judging(collector, self.url, self._stack)
        fleet = None
        if demo:
            fleet = self._start_child("simulator", "aldea.simulator", fleet_arguments(own, data), own.simulator)
        beside = FleetBeside(own, collector, fleet)
        real_start = RealStart(register, store, data / "simulator", beside.surroundings, self._say)
        real_start.start()
        self._stack.callback(real_start.stop)

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
