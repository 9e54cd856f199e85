"""From a tick on a phone to the server's page: a real agent, broker, collector and browser; names stay behind."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, Page, expect

from aldea.agents.outbox import Machine
from aldea.agents.page.pins import PinStore
from aldea.agents.page_settings import PageSettings
from aldea.agents.probe import ScheduledProbe
from aldea.agents.service import AgentService
from aldea.agents.settings import AgentSettings, BrokerSettings
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import SystemClock
from aldea.model.sample import Reading
from aldea.model.wire import Rejected
from aldea.model.wire.rows import decode
from aldea.storage.register import open_register
from aldea.storage.register.commands import CommandState, commands_of, find_command, queue_command
from aldea.storage.register.devices import Device
from aldea.storage.register.records import list_records, record_versions
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.series.sqlite.store import SqliteSeriesStore
from registerkit import clean_file
from rigs.chromium import running_chromium
from rigs.mosquitto import Mosquitto
from rigs.processes import free_port
from rigs.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto]
SITE, PIN = "escuela-01", "4711"
NAMES = ("Rosalinda", "Canul", "Eleuterio", "Poot")
DAY_MS = 86_400_000


class Quiet:
    """A probe that measures nothing much."""

    name = "ping"

    async def measure(self) -> list[Reading]:
        return [Reading("ping", {"sent": 1}, {"target": "192.0.2.1", "role": "anchor"})]

    async def aclose(self) -> None:
        return None


class Ear:
    """Hears every byte that passes the broker."""

    def __init__(self, port: int) -> None:
        self.heard: list[bytes] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("#")
        self._client.on_message = lambda _c, _d, message: self.heard.append(bytes(message.payload))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def unpacked(self) -> str:
        """Return all that was heard: batches with their rows, everything else as it was."""
        told = []
        for payload in self.heard:
            try:
                told.append(str(decode(payload)))
            except Rejected:
                told.append(payload.decode("utf-8", "replace"))
        return "\n".join(told)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class Place:
    """A box and a server, both real, with a broker between them."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        self.folder, self.box = folder, folder / "box"
        clock = SystemClock()
        began = clock.wall_ms() - 30 * DAY_MS
        self.register = open_register(clean_file(folder))
        place, agent = Site(SITE, "Escuela", "America/Merida", began), Device(SITE, "agent", "agent", began)
        with self.register.transaction() as unit:
            add_sites(unit, [SiteEntry(place, began, SiteState.COMMISSIONED, devices=(agent,))])
        self.store = SqliteSeriesStore(folder / "series.db")
        self.ear = Ear(broker.port)
        address = BrokerAddress(port=broker.port)
        self.collector = Collector("main", folder / "collector", address, self.register, self.store, clock)
        self.collector.start()
        self.server = serve(create_app(self.register, self.store, clock, ApiSettings(demo_admin=True)), port=0)
        self.port = free_port()
        page = PageSettings(enabled=True, host="127.0.0.1", port=self.port, timezone="America/Merida")
        self.settings = AgentSettings(
            site=SITE,
            data=self.box,
            sample_seconds=0.5,
            send_seconds=1.0,
            broker=BrokerSettings(port=broker.port),
            page=page,
        )
        self.box.mkdir()
        PinStore(self.box, None).set(PIN)
        self._loop = asyncio.new_event_loop()
        machine = Machine("hardware", "ab" * 16, "0.1")
        self._service: AgentService | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(machine,), daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    def _run(self, machine: Machine) -> None:
        async def live() -> None:
            self._service = AgentService(self.settings, [ScheduledProbe(Quiet(), 0.5, 5.0)], machine=machine)
            self._ready.set()
            await self._service.run()

        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(live())
        self._loop.close()

    def stop_agent(self) -> None:
        """Stop the agent, so that its files are whole."""
        if self._service is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._service.stop)
            self._thread.join(60)

    def close(self) -> None:
        self.stop_agent()
        self.server.stop()
        self.collector.stop()
        self.ear.close()
        self.store.close()
        self.register.close()


@pytest.fixture
def place(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Place]:
    found = Place(tmp_path, mosquitto)
    yield found
    found.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as found:
        yield found


def phone(browser: Browser) -> Page:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, locale="es-MX", java_script_enabled=False, accept_downloads=True
    )
    return context.new_page()


def sign_in(page: Page, place: Place) -> None:
    address = f"http://127.0.0.1:{place.port}/records"
    eventually(lambda: _opens(page, address))
    page.fill("[name=pin]", PIN)
    page.locator("main button").first.click()
    expect(page.get_by_role("heading", name="¿Qué hubo hoy?")).to_be_visible()


def _opens(page: Page, address: str) -> bool:
    try:
        page.goto(address)
    except Exception:  # noqa: BLE001 - it does not listen yet
        return False
    return True


def add_person(page: Page, place: Place, name: str, sex: str) -> None:
    page.goto(f"http://127.0.0.1:{place.port}/records/roster")
    page.fill("[name=name]", name)
    page.check(f"[name=sex][value={sex}]")
    page.check("[name=age_band][value='25-44']")
    page.locator("main form button").first.click()
    expect(page.get_by_text("Agregado a la lista.")).to_be_visible()


def test_a_tick_on_a_phone_is_a_record_at_the_server_and_no_name_goes_with_it(
    browser: Browser, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    page = phone(browser)
    sign_in(page, place)
    add_person(page, place, "Rosalinda Canul", "F")
    add_person(page, place, "Eleuterio Poot", "M")
    page.goto(f"http://127.0.0.1:{place.port}/records/new/attendance?way=ticks")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.fill("[name=activity]", "Taller de trámites")
    page.get_by_text("Rosalinda Canul").click()
    page.get_by_role("button", name="Guardar").click()
    expect(page.get_by_text("Guardado aquí.")).to_be_visible()
    where = page.url.partition("?")[0]
    eventually(lambda: _says(page, where, "El servidor lo tiene"))

    office = browser.new_context(locale="es-MX").new_page()
    eventually(lambda: _says(office, f"{place.server.url}/records?kind=real", "Asistencia"))
    office.locator("table.data a", has_text="Asistencia").click()
    expect(office.get_by_text("Taller de trámites")).to_be_visible()
    assert re.search(r"[A-Z]{2}-001", office.inner_text("main"))
    expect(office.get_by_text("capturado en el sitio")).to_be_visible()

    _given_back_and_mended(page, place)
    _withdrawn(page, place, where)
    _left_unfinished(page, place)
    backup = _backup(page, place)
    _names_are_nowhere(browser, place, backup, caplog.text)
    office.context.close()
    page.context.close()


def _says(page: Page, address: str, words: str) -> bool:
    page.goto(address)
    return words in page.inner_text("main")


def _given_back_and_mended(page: Page, place: Place) -> None:
    """The server knows when the site began, the box does not: it gives back what was before."""
    page.goto(f"http://127.0.0.1:{place.port}/records/new/power_note")
    page.fill("[name=from]", "2020-01-01T06:00")
    page.get_by_role("button", name="Guardar").click()
    where = page.url.partition("?")[0]
    eventually(lambda: _says(page, where, "es antes del inicio"))
    page.goto(f"{where}/correct")
    page.fill("[name=from]", time.strftime("%Y-%m-%dT00:01", time.gmtime(time.time() - 86_400)))
    page.fill("[name=reason]", "Era ayer")
    page.get_by_role("button", name="Guardar").click()
    eventually(lambda: _says(page, where, "El servidor lo tiene"))
    record = where.rpartition("/")[2]

    def stored() -> bool:
        with place.register.reading() as unit:
            return len(record_versions(unit, record)) == 1

    eventually(stored)


def _withdrawn(page: Page, place: Place, where: str) -> None:
    page.goto(where)
    page.fill("[name=reason]", "Se contó dos veces")
    page.get_by_role("button", name="Retirar").click()

    def told() -> bool:
        with place.register.reading() as unit:
            return any(item.withdrawn and item.version == 2 for item in list_records(unit))

    eventually(told)


def _left_unfinished(page: Page, place: Place) -> None:
    """A name that somebody typed, in a form that nobody finishes."""
    page.goto(f"http://127.0.0.1:{place.port}/records/new/attendance?way=ticks&new=1")
    page.fill("[name=activity]", "Clase con Rosalinda Canul")
    page.get_by_text("Eleuterio Poot").click()
    page.get_by_role("button", name="Guardar").click()
    expect(page.locator("main")).to_contain_text("nombre de alguien de la lista")
    page.goto(f"http://127.0.0.1:{place.port}/records")
    expect(page.get_by_text("Clase con Rosalinda Canul")).to_be_visible()


def _backup(page: Page, place: Place) -> bytes:
    page.goto(f"http://127.0.0.1:{place.port}/records/roster/backup")
    page.fill("[name=passphrase]", "cinco gallos cantan")
    page.fill("[name=again]", "cinco gallos cantan")
    with page.expect_download() as download:
        page.get_by_role("button", name="Descargar").click()
    file = Path(download.value.path())
    page.goto(f"http://127.0.0.1:{place.port}/records/roster/restore")
    for words, expected in (
        ("otra frase cualquiera", "La frase secreta no abre"),
        ("cinco gallos cantan", "Ya iguales: 2."),
    ):
        page.set_input_files("[name=file]", file)
        page.fill("[name=passphrase]", words)
        page.get_by_role("button", name="Verlo").click()
        expect(page.locator("main")).to_contain_text(expected)
    page.get_by_role("button", name="Agregarlo a la lista").click()
    expect(page.get_by_text("El respaldo se agregó a la lista.")).to_be_visible()
    return file.read_bytes()


def _names_are_nowhere(browser: Browser, place: Place, backup: bytes, logged: str) -> None:
    now = SystemClock().wall_ms()
    with place.register.transaction() as unit:
        asked = queue_command(unit, SITE, "agent", "diagnostics", {}, now, now + DAY_MS)

    def answered() -> bool:
        with place.register.reading() as unit:
            found = find_command(unit, asked.id)
        return found is not None and found.state is CommandState.DONE

    eventually(answered)
    stranger = phone(browser)
    shown = []
    for path in ("/", "/check", "/repaired", "/about", "/records", "/records/roster", "/records/print"):
        stranger.goto(f"http://127.0.0.1:{place.port}{path}")
        shown.append(stranger.content())
    stranger.context.close()
    with place.register.reading() as unit:
        commands = str(commands_of(unit, SITE))
    place.stop_agent()
    files = {
        str(path.relative_to(place.folder)): path.read_bytes() for path in place.folder.rglob("*") if path.is_file()
    }
    roster = {name: content for name, content in files.items() if name.startswith("box/roster.db")}
    assert all(any(name.encode() in content for content in roster.values()) for name in NAMES), "the search works"
    assert any(b"Clase con Rosalinda" in content for content in roster.values()), (
        "the draft lies there, and there alone"
    )
    told = place.ear.unpacked()
    assert "Taller de tr\u00e1mites" in told, "the search reads what travels"
    for name in NAMES:
        assert name not in told, "on the wire"
        assert name.encode() not in backup
        assert name not in logged
        assert name not in commands
        assert not any(name in page for page in shown)
        elsewhere = [file for file, content in files.items() if name.encode() in content and file not in roster]
        assert elsewhere == [], name
