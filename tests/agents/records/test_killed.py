"""SIGKILL between a facilitator's *Store* and the server's word: what she was told is stored arrives, and once."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aldea.agents.page.pins import PinStore
from aldea.agents.records import RecordBook, State
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.records import list_records, record_versions
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from registerkit import clean_file
from rigs.mosquitto import Mosquitto
from rigs.processes import free_port
from rigs.waiting import eventually

pytestmark = pytest.mark.mosquitto
SITE, PIN, FORM = "escuela-01", "4711", "/records/new/attendance"
DAY_MS = 86_400_000
QUIET = ("ping", "dns", "http", "interfaces", "clients", "throughput", "host")


class Box:
    """An agent in a process of its own, and who fills in its forms: after a kill the same form is sent again."""

    def __init__(self, folder: Path, broker_port: int) -> None:
        self.data, self._config = folder / "box", folder / "aldea.toml"
        self.data.mkdir()
        PinStore(self.data, None).set(PIN)
        port = free_port()
        self._address = f"http://127.0.0.1:{port}"
        lines = [
            f'[agent]\nsite = "{SITE}"\ndata = "{self.data}"\nsample_seconds = 0.5\nsend_seconds = 0.5',
            f"[agent.broker]\nport = {broker_port}",
            f'[agent.page]\nenabled = true\nhost = "127.0.0.1"\nport = {port}\ntimezone = "America/Merida"',
            *(f"[agent.{name}]\nenabled = false" for name in QUIET),
        ]
        self._config.write_text("\n".join(lines), encoding="utf-8")
        self._log = (folder / "agent.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and sign in."""
        command = [sys.executable, "-m", "aldea.agents", "run", "--config", str(self._config)]
        self._process = subprocess.Popen(command, stderr=self._log, stdout=self._log)
        self.client = httpx.Client(base_url=self._address, timeout=60)
        eventually(self._signs_in)

    def _signs_in(self) -> bool:
        try:
            csrf = _hidden(self.client.get("/pin").text)["csrf"]
            return self.client.post("/pin", data={"csrf": csrf, "pin": PIN, "then": "/records"}).status_code == 303
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL: nothing is said, nothing is written."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)
        self.client.close()

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self.client.close()
        self._log.close()

    def send(self, number: int, sending: threading.Event | None = None) -> bool:
        """Send the form of a number; say whether its page came back. `sending` is set as it goes out."""
        carried = {**_hidden(self.client.get(FORM).text), "token": f"form-{number}", "action": "store"}
        said = {"activity": "Taller", "event_date": "2026-01-15", "unkeyed": str(number)}
        if sending is not None:
            sending.set()
        try:
            sent = self.client.post(FORM, data={**carried, **said})
        except httpx.TransportError:
            return False
        assert sent.status_code == 303, sent.text
        return True

    def killed_while_sending(self, number: int, moment: Callable[[], object]) -> bool:
        """Send a form, and kill the agent at a moment from then; say whether the page had come back before."""
        process, sending = self._process, threading.Event()
        assert process is not None

        def strike() -> None:
            sending.wait(60)
            moment()
            process.kill()

        striker = threading.Thread(target=strike)
        striker.start()
        told = self.send(number, sending)
        striker.join()
        self.kill()
        return told

    def watch(self, number: int, more_seconds: float) -> None:
        """Return so long after the form of a number came to lie in the book, as another process sees it."""
        deadline = time.monotonic() + 60
        with closing(sqlite3.connect(f"file:{self.data / 'records.db'}?mode=ro", uri=True)) as db:
            # Without a pause: the page comes back within milliseconds.
            while db.execute("SELECT 1 FROM version WHERE token = ?", (f"form-{number}",)).fetchone() is None:
                assert time.monotonic() < deadline
        time.sleep(more_seconds)


def _hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))


class Server:
    """A collector and its register."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        clock = SystemClock()
        began = clock.wall_ms() - 3000 * DAY_MS
        self.register: Register = open_register(clean_file(folder))
        place, agent = Site(SITE, "Escuela", "America/Merida", began), Device(SITE, "agent", "agent", began)
        with self.register.transaction() as unit:
            add_sites(unit, [SiteEntry(place, began, SiteState.COMMISSIONED, devices=(agent,))])
        self._store = SqliteSeriesStore(folder / "series.db")
        address = BrokerAddress(port=broker.port)
        self._collector = Collector("main", folder / "collector", address, self.register, self._store, clock)
        self._collector.start()

    def has(self) -> list[int]:
        """Return the numbers of all versions stored, sorted."""
        with self.register.reading() as unit:
            found = [item for newest in list_records(unit) for item in record_versions(unit, newest.id)]
        return sorted(int(item.payload["unkeyed"]) for item in found)

    def close(self) -> None:
        self._collector.stop()
        self._store.close()
        self.register.close()


@pytest.fixture
def server(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Server]:
    found = Server(tmp_path, mosquitto)
    yield found
    found.close()


@pytest.fixture
def box(tmp_path: Path, mosquitto: Mosquitto, server: Server) -> Iterator[Box]:
    del server  # which has to listen first
    found = Box(tmp_path, mosquitto.port)
    yield found
    found.stop()


def kill_at_the_next_batch(box: Box, port: int, number: int) -> None:
    """Store a form, and kill the agent when its next batch is on the wire: before it hears that it arrived."""
    heard = threading.Event()

    def on_message(_c: object, _d: object, message: paho.MQTTMessage) -> None:
        if message.topic.startswith(f"aldea/1/{SITE}/agent/live"):
            heard.set()

    ear = paho.Client(CallbackAPIVersion.VERSION2)
    ear.on_connect = lambda client, *_: client.subscribe("#")
    ear.on_message = on_message
    ear.connect("127.0.0.1", port)
    ear.loop_start()
    try:
        assert box.send(number)
        heard.clear()
        assert heard.wait(60)
        box.kill()
    finally:
        ear.disconnect()
        ear.loop_stop()


def test_what_was_stored_before_a_kill_is_at_the_server_once(box: Box, server: Server, mosquitto: Mosquitto) -> None:
    moments: list[Callable[[int], object]] = [
        lambda _: None,
        lambda _: time.sleep(0.002),
        lambda number: box.watch(number, 0.0),
        lambda number: box.watch(number, 0.0),
        lambda number: box.watch(number, 0.001),
    ]
    told = []
    for number, moment in enumerate(moments, 1):
        box.start()
        told.append(box.killed_while_sending(number, partial(moment, number)))
    box.start()
    assert box.send(6)
    box.kill()  # at once after the page came back
    box.start()
    kill_at_the_next_batch(box, mosquitto.port, 7)
    box.start()
    for number, had_answer in enumerate(told, 1):
        if not had_answer:
            assert box.send(number), "whoever got no page sends the same form again"
    eventually(lambda: len(set(server.has())) == 7)

    def all_delivered() -> bool:
        book = RecordBook(box.data)
        try:
            counts = book.counts()
        finally:
            book.close()
        return counts[State.DELIVERED] == 7 == sum(counts.values())

    eventually(all_delivered)
    time.sleep(1)  # twice as long as the box collects: whatever were sent twice would be there
    assert server.has() == [1, 2, 3, 4, 5, 6, 7]
