"""The technician's visit: a real agent, broker and collector, and a telephone without JavaScript."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import paho.mqtt.publish
import pytest
from playwright.sync_api import expect

from agentkit.settings_text import quick_settings
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.model.messages import Command, encode_command
from aldea.model.topics import Lane, Topic
from aldea.storage.series import open_series_store
from collectorkit.desk import make_register
from rigs.chromium import running_chromium
from rigs.mosquitto import Mosquitto
from rigs.processes import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.mosquitto]
PAGE = """\
[[agent.http.targets]]
url = "{web}"
expect_status = 204
[agent.page]
enabled = true
host = "127.0.0.1"
port = {port}
site_name = "Yaxcabá"
"""


class Provider(ThreadingHTTPServer):
    """The web, or the provider's page in its place while nobody has paid."""

    paid = False


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Provider)
        self.send_response(204 if self.server.paid else 302)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return None


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with running_chromium() as found:
        yield found


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def running_agent(folder: Path, broker: int, web: str) -> Iterator[str]:
    """Run an agent with its page; yield the page's address."""
    port = free_port()
    config = folder / "aldea.toml"
    more = PAGE.format(web=web, port=port)
    config.write_text(quick_settings("yaxcaba", folder / "data", broker, more), encoding="utf-8")
    with (folder / "agent.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "aldea.agents", "run", "--config", str(config)], stderr=log, env=os.environ.copy()
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            code = process.wait(60)
    assert code == 0, (folder / "agent.log").read_text()


@contextmanager
def running_collector(folder: Path, broker: int) -> Iterator[None]:
    """Run a collector that knows the site."""
    register = make_register(folder, "yaxcaba")
    store = open_series_store(f"sqlite:///{folder / 'series.db'}")
    collector = Collector("c", folder / "collector", BrokerAddress(port=broker), register, store, SystemClock())
    collector.start()
    try:
        yield
    finally:
        collector.stop()
        store.close()
        register.close()


def opened(page: Page, address: str) -> Page:
    """Open the page once it is served."""
    for _ in range(600):
        try:
            page.goto(address)
        except Exception:  # noqa: BLE001 - Playwright's own kinds, while nobody listens yet
            threading.Event().wait(0.1)
        else:
            return page
    raise AssertionError("the page is not served")


def seen(page: Page, text: str, within_seconds: float = 60) -> None:
    """Wait until the page says so, as it loads again by itself."""
    page.get_by_text(text).first.wait_for(timeout=within_seconds * 1000)


def no_wider_than_the_screen(page: Page) -> bool:
    return int(page.locator("html").evaluate("e => e.scrollWidth")) <= 360


def test_she_finds_the_first_wrong_thing_and_hears_not_yet_and_confirmed(
    chromium: Browser, tmp_path: Path, mosquitto: Mosquitto, provider: Provider
) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 740}, java_script_enabled=False)
    page = context.new_page()
    web = f"http://127.0.0.1:{provider.server_port}"
    with running_collector(tmp_path, mosquitto.port), running_agent(tmp_path, mosquitto.port, web) as address:
        opened(page, address)
        page.get_by_role("button", name="Revisar todo ahora").click()
        seen(page, "Revise primero: La web")
        seen(page, "En lugar de la web sale una página del proveedor")
        seen(page, "Pague o regístrese")
        assert no_wider_than_the_screen(page)

        page.get_by_role("link", name="Ya lo reparé").click()
        page.get_by_label("¿Qué se hizo?").fill("se llamó al proveedor")
        page.get_by_role("button", name="Está reparado").click()
        seen(page, "Espere")
        repair = page.url.rpartition("/")[2]
        told = {"repair": repair, "confirmed": False, "sentence_es": "Todavía no: el sitio no abre páginas."}
        command = Command("n1", "repair_answer", told, expires_ms=2**50)
        topic = str(Topic("yaxcaba", "agent", Lane.CMD))
        paho.mqtt.publish.single(topic, encode_command(command), qos=1, hostname="127.0.0.1", port=mosquitto.port)
        seen(page, "El sitio no abre páginas.")
        seen(page, "Todavía no")

        provider.paid = True
        page.get_by_role("link", name="Avisar otra vez").click()
        page.get_by_role("button", name="Está reparado").click()
        seen(page, "Confirmado")
        seen(page, "El servidor recibe al sitio")
        assert no_wider_than_the_screen(page)
        page.goto(f"{address}/?lang=en")
        seen(page, "Working")
        expect(page.get_by_text("connected", exact=True)).to_have_count(1)
    context.close()
