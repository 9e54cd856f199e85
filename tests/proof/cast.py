"""Everything that takes part in a proof, each in a process that can be killed and started again."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import copy
from typing import TYPE_CHECKING, Any, Self

from aldea.model.clock import SystemClock
from aldea.storage.register import open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from proof.oracle import Oracle
from rigs.mosquitto import Mosquitto
from rigs.processes import ServerProcess, free_port, port_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.15
SEND_SECONDS = 0.4

SMALL_QUEUES = ("max_inflight_messages 2", "max_queued_messages 4", "sys_interval 1")
"""For mosquitto: a client that stalls for a moment costs messages."""


class MosquittoProcess:
    """A mosquitto with queues that overflow."""

    name = "broker"

    def __init__(self, folder: Path) -> None:
        self._server = Mosquitto(folder, SMALL_QUEUES)
        self.port = self._server.port

    def start(self) -> None:
        """Start it and wait until it accepts clients."""
        self._server.start()

    def kill(self) -> None:
        """SIGKILL."""
        self._server.kill()

    def stop(self) -> None:
        """End it."""
        self._server.stop()


class EmbeddedBrokerProcess:
    """The built-in broker."""

    name = "broker"

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.port = free_port()
        self._server = _python("broker", ["proof.broker_process", str(self.port)], folder / "broker.log", {})

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._server.start(lambda: port_answers(self.port))

    def kill(self) -> None:
        """SIGKILL."""
        self._server.kill()

    def stop(self) -> None:
        """End it."""
        self._server.stop()


class Member:
    """An agent or the collector: started without waiting for it, since it may be killed while it starts, too."""

    def __init__(self, name: str, process: ServerProcess) -> None:
        self.name = name
        self.process = process

    def start(self) -> None:
        """Start it."""
        self.process.start(lambda: True)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def stop(self) -> None:
        """End it in good order."""
        self.process.stop()


@dataclass(frozen=True, slots=True)
class Village:
    """One agent's site and where its traces are. `old` are the outboxes of boxes that were replaced, oldest first."""

    site: str
    oracle: Oracle
    outbox: Path
    old: tuple[Path, ...] = ()


class Cast:
    """A broker, a collector, and agents. `quiet()` ends the measuring; what is recorded still goes out."""

    def __init__(
        self, folder: Path, agents: int, broker: MosquittoProcess | EmbeddedBrokerProcess, mutation: str = ""
    ) -> None:
        self.folder = folder
        self.broker = broker
        self.data = folder / "collector"
        self._quiet = folder / "quiet"
        self.data.mkdir(parents=True)
        sites = [f"village-{number}" for number in range(1, agents + 1)]
        self.villages = [Village(s, Oracle(folder / s / "oracle"), folder / s / "outbox.sqlite") for s in sites]
        _register(self.data, sites)
        self._config = folder / "aldea.toml"
        self._config.touch()  # so that none that lies about counts
        self.collector = Member("collector", self._collector(mutation))
        self.agents = [Member("agent", self._agent(village, mutation)) for village in self.villages]

    def _collector(self, mutation: str) -> ServerProcess:
        environment = {
            "ALDEA_DATA": str(self.data),
            "ALDEA_REGISTER_URL": f"sqlite:///{self.data / 'register.db'}",
            "ALDEA_SERIES_URL": f"sqlite:///{self.data / 'series.db'}",
            "ALDEA_MQTT_PORT": str(self.broker.port),
            "PROOF_MUTATION": mutation,
        }
        command = ["proof.collector_process", "--config", str(self._config)]
        return _python("collector", command, self.folder / "collector.log", environment)

    def _agent(self, village: Village, mutation: str) -> ServerProcess:
        village.outbox.parent.mkdir()
        environment = {
            **self._place(village),
            "ALDEA_MQTT_PORT": str(self.broker.port),
            "ALDEA_SAMPLE_SECONDS": str(SAMPLE_SECONDS),
            "ALDEA_SEND_SECONDS": str(SEND_SECONDS),
            "PROOF_ORACLE": str(village.oracle.path),
            "PROOF_QUIET": str(self._quiet),
            "PROOF_MUTATION": mutation,
        }
        return _python(village.site, ["proof.agent_process"], self.folder / f"{village.site}.log", environment)

    def _place(self, village: Village) -> dict[str, str]:
        place = {"ALDEA_SITE": village.site, "ALDEA_DATA": str(village.outbox.parent)}
        return {**place, "PROOF_CONFIG": str(self._config)}

    def replace_box(self, number: int) -> Path:
        """Give a killed agent an empty disk, with its oracle alone; return the old one's folder."""
        village = self.villages[number]
        folder = village.outbox.parent
        old = folder.with_name(f"{village.site}-old-{len(village.old)}")
        folder.rename(old)
        folder.mkdir()
        copy(old / village.oracle.path.name, village.oracle.path)
        self.villages[number] = replace(village, old=(*village.old, old / village.outbox.name))
        return old

    def take_over(self, number: int, old: Path) -> ServerProcess:
        """Return the take-over of an old disk by a village's box, not started yet."""
        village = self.villages[number]
        environment = {**self._place(village), "PROOF_OLD": str(old)}
        return _python("take-over", ["proof.take_over_process"], self.folder / "take-over.log", environment)

    def __enter__(self) -> Self:
        for member in (self.broker, self.collector, *self.agents):
            member.start()
        return self

    def __exit__(self, *_: object) -> None:
        for member in (*self.agents, self.collector, self.broker):
            member.stop()

    def quiet(self) -> None:
        """Let the agents measure no more."""
        self._quiet.touch()

    def ended_by_themselves(self) -> list[str]:
        """Return a sentence, with the end of its log, for each process that nobody killed and that is gone."""
        gone = [member for member in (self.collector, *self.agents) if not member.process.is_running()]
        return [f"{member.process.name} ended by itself:\n{member.process.log_tail()}" for member in gone]

    def has_settled(self) -> bool:
        """Tell whether nothing more will happen: all measuring ended, every outbox empty, followers at the end."""
        return all(_is_done(village) for village in self.villages) and _followers_are_done(self.data)


def _is_done(village: Village) -> bool:
    lives = village.oracle.lives()
    return bool(lives) and lives[-1].quiet and waiting_rows(village.outbox) == 0


def waiting_rows(outbox: Path) -> int:
    """Return how many rows wait in an outbox."""
    return int(query(outbox, "SELECT count(*) FROM waiting")[0][0])


def _followers_are_done(data: Path) -> bool:
    ((last,),) = query(data / "journal.db", "SELECT coalesce(max(position), 0) FROM entry")
    cursors: dict[str, int] = dict(query(data / "cursors.db", "SELECT consumer, position FROM cursor"))
    return bool(last) and all(cursors.get(name) == last for name in ("series", "feed"))


def query(path: Path, statement: str) -> list[tuple[Any, ...]]:
    """Read from a database that others may be writing."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        return db.execute(statement).fetchall()


def _register(data: Path, sites: Sequence[str]) -> None:
    register = open_register(f"sqlite:///{data / 'register.db'}")
    register.migrate()
    now = SystemClock().wall_ms()
    with register.transaction() as unit:
        add_sites(
            unit,
            [
                SiteEntry(
                    Site(site, site, "America/Merida", now),
                    now,
                    SiteState.COMMISSIONED,
                    devices=(Device(site, "agent", "agent", now),),
                )
                for site in sites
            ],
        )
    register.close()


def _python(name: str, arguments: Sequence[str], log: Path, environment: dict[str, str]) -> ServerProcess:
    command = [sys.executable, "-m", *arguments]
    return ServerProcess(name, command, log, environment={**environment, "PYTHONPATH": str(TESTS)})
