"""Two collectors share the work of one broker and one register; and a register that somebody else writes to."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from agentkit.in_thread import Probe, ThreadBox
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.model.messages import parse_command
from aldea.model.wire.rows import decode
from aldea.storage.register import Register, RegisterUnavailableError, engine, open_register
from aldea.storage.register.commands import CommandState, DeviceCommand, find_command, queue_command
from aldea.storage.register.devices import Device
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.register.status import Presence, StatusUpdate, upsert_status
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from registerkit import clean_file
from rigs.mosquitto import Mosquitto
from rigs.waiting import eventually

pytestmark = pytest.mark.mosquitto

CLOCK = SystemClock()
HOUR = 3_600_000
SITE, DEVICE = "norte-01", "agent"
OTHERS = tuple(f"sur-{number:02}" for number in range(12))


class Overheard:
    """All that is said to boxes and by them, as it crosses the broker."""

    def __init__(self, port: int) -> None:
        self.commands: Counter[str] = Counter()
        self.answers: set[tuple[str, int, str, str]] = set()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._hear
        ready = threading.Event()
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe([("aldea/1/+/+/cmd", 1), ("aldea/1/+/+/live", 1), ("aldea/1/+/+/bulk", 1)])
        assert ready.wait(60)

    def _hear(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic.endswith("/cmd"):
            self.commands[parse_command(bytes(message.payload)).id] += 1
            return
        header, rows = decode(bytes(message.payload))
        for row in rows:
            if row.measurement == "command":
                self.answers.add((header.epoch, row.seq, str(row.fields["command"]), str(row.fields["state"])))

    @property
    def ends(self) -> Counter[str]:
        """How often the box has said that a command is done; a row that was sent twice counts once."""
        return Counter(command for _, _, command, state in self.answers if state == "done")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Servers:
    """Two collectors, each with a journal, a store and a connection to the register of its own."""

    def __init__(self, folder: Path, port: int, url: str) -> None:
        self.register = open_register(url)
        add_all(self.register)
        self._registers = [open_register(url) for _ in range(2)]
        self._stores = [SqliteSeriesStore(folder / f"series-{number}.db") for number in range(2)]
        address = BrokerAddress("127.0.0.1", port)
        self.collectors = [
            Collector(name, folder / name, address, register, store, CLOCK, "village-servers")
            for name, register, store in zip(("east", "west"), self._registers, self._stores, strict=True)
        ]
        for one in self.collectors:
            one.start()
        eventually(lambda: all(one.status().connected for one in self.collectors))

    def ask(self, site: str, kind: str, **payload: object) -> DeviceCommand:
        """Ask for it, again where somebody else was writing just then."""
        now = CLOCK.wall_ms()
        while True:
            with suppress(RegisterUnavailableError), self.register.transaction() as unit:
                return queue_command(unit, site, DEVICE, kind, payload, now, now + HOUR)

    def now(self, command: DeviceCommand) -> DeviceCommand:
        with self.register.reading() as unit:
            found = find_command(unit, command.id)
        assert found is not None
        return found

    def all_are(self, state: CommandState, asked: list[DeviceCommand]) -> bool:
        return all(self.now(one).state is state for one in asked)

    def close(self) -> None:
        for one in self.collectors:
            one.stop()
        for store in self._stores:
            store.close()
        for register in (self.register, *self._registers):
            register.close()


def add_all(register: Register) -> None:
    now = CLOCK.wall_ms() - 1000
    with register.transaction() as unit:
        for name in (SITE, *OTHERS):
            device = Device(name, DEVICE, "agent", now)
            add_sites(
                unit,
                [SiteEntry(Site(name, name, "America/Merida", now), now, SiteState.COMMISSIONED, devices=(device,))],
            )


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as server:
        yield server


@pytest.fixture
def overheard(broker: Mosquitto) -> Iterator[Overheard]:
    made = Overheard(broker.port)
    yield made
    made.close()


@pytest.fixture
def servers(tmp_path: Path, broker: Mosquitto, register_url: str) -> Iterator[Servers]:
    made = Servers(tmp_path, broker.port, register_url)
    yield made
    made.close()


@pytest.fixture
def box(tmp_path: Path, broker: Mosquitto, servers: Servers) -> Iterator[Probe]:
    """A box that both have heard; what is returned counts its probe's rounds."""
    probe = Probe()
    made = ThreadBox(tmp_path / "box", broker.port, probe, SITE)
    eventually(lambda: probe.rounds == 1)
    yield probe
    made.stop()


def test_each_command_is_sent_once_by_one_of_two_collectors(servers: Servers, overheard: Overheard) -> None:
    with servers.register.transaction() as unit:
        now = CLOCK.wall_ms()
        born = [
            StatusUpdate(site, DEVICE, arrival_ms=now, presence=Presence.ONLINE, presence_ms=now, connection=1)
            for site in OTHERS
        ]
        upsert_status(unit, born)
        asked = [
            queue_command(unit, site, DEVICE, "diagnostics", {}, now, now + HOUR) for site in OTHERS for _ in range(20)
        ]
    eventually(lambda: len(overheard.commands) == len(asked))
    eventually(lambda: servers.all_are(CommandState.SENT, asked))
    eventually(lambda: overheard.commands == Counter(one.id for one in asked))
    assert {servers.now(one).attempts for one in asked} == {1}


def test_a_box_of_two_collectors_carries_out_each_command_once_and_answers_once(
    servers: Servers, overheard: Overheard, box: Probe
) -> None:
    asked = [servers.ask(SITE, "test", probe="ping") for _ in range(12)]
    eventually(lambda: servers.all_are(CommandState.DONE, asked))
    eventually(lambda: overheard.commands == Counter(one.id for one in asked))
    eventually(lambda: overheard.ends == Counter(one.id for one in asked))
    assert box.rounds == 1 + len(asked)


def test_what_one_collector_leaves_the_other_goes_on_with(servers: Servers, overheard: Overheard, box: Probe) -> None:
    first = servers.ask(SITE, "test", probe="ping")
    eventually(lambda: servers.all_are(CommandState.DONE, [first]))
    servers.collectors.pop(0).stop()
    asked = [servers.ask(SITE, "test", probe="ping") for _ in range(3)]
    eventually(lambda: servers.all_are(CommandState.DONE, asked))
    eventually(lambda: overheard.ends == Counter(one.id for one in [first, *asked]))
    assert box.rounds == 2 + len(asked)


@contextmanager
def locked_by_another_writer(url: str) -> Iterator[None]:
    """Somebody else holds what commands are written to."""
    if url.startswith("sqlite"):
        other = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()
        return
    register = open_register(url)
    try:
        with register.transaction() as unit:
            # One table: who takes several, in another order than the collectors, may be the one that is refused.
            unit.connection.exec_driver_sql("LOCK TABLE command IN EXCLUSIVE MODE")
            yield
    finally:
        register.close()


def test_a_register_that_another_writer_holds_delays_commands_and_answers_and_doubles_none(
    servers: Servers, overheard: Overheard, box: Probe, register_url: str
) -> None:
    asked = []
    for _ in range(3):
        asked += [servers.ask(SITE, "test", probe="ping") for _ in range(3)]
        with locked_by_another_writer(register_url):
            threading.Event().wait(1.5)
    eventually(lambda: servers.all_are(CommandState.DONE, asked))
    eventually(lambda: overheard.commands == Counter(one.id for one in asked))
    eventually(lambda: overheard.ends == Counter(one.id for one in asked))
    assert box.rounds == 1 + len(asked)


def test_a_register_that_is_held_for_longer_than_a_writer_waits_costs_no_command_and_no_answer(
    tmp_path: Path, broker: Mosquitto, overheard: Overheard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", 100)
    url = clean_file(tmp_path)
    servers = Servers(tmp_path, broker.port, url)
    probe = Probe()
    box = ThreadBox(tmp_path / "box", broker.port, probe, SITE)
    try:
        eventually(lambda: probe.rounds == 1)
        asked = [servers.ask(SITE, "test", probe="ping") for _ in range(3)]
        with locked_by_another_writer(url):
            eventually(lambda: all(one.status().series_error for one in servers.collectors))
        eventually(lambda: servers.all_are(CommandState.DONE, asked))
        eventually(lambda: overheard.commands == Counter(one.id for one in asked))
        eventually(lambda: overheard.ends == Counter(one.id for one in asked))
    finally:
        box.stop()
        servers.close()
