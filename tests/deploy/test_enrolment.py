"""A code, typed at the site: a real server, a real agent, a real broker with TLS, and everything that can go wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from aldea.agents.checkup.broker import look_at_enrolment
from aldea.agents.commands import load_agent_settings
from aldea.agents.enrolling import CannotEnrol, Where, enrol
from aldea.agents.enrolment import enrolled
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.dashboard_api.app import create_app
from aldea.dashboard_api.server import serve
from aldea.dashboard_api.settings import ApiSettings
from aldea.deploy.broker.access import COLLECTOR
from aldea.deploy.broker.secured import FieldWish, start_secured
from aldea.deploy.tied import start_tied
from aldea.model.clock import ManualClock, SystemClock
from aldea.model.settings import SettingsError
from aldea.storage.register import Register, open_register
from aldea.storage.register.credentials import valid_credentials
from aldea.storage.register.devices import Device, devices_of
from aldea.storage.register.endpoint import BrokerEndpoint, set_broker_endpoint
from aldea.storage.register.enrolment import (
    ALPHABET,
    EnrolmentRefused,
    TooManyAttempts,
    hash_code,
    issue_code,
    redeem_code,
)
from aldea.storage.register.errors import RegisterError
from aldea.storage.register.replacing import replace_device
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites, set_state
from aldea.storage.register.streams import streams_of
from aldea.storage.register.tables import enrolment_code
from aldea.storage.series import open_series_store
from rigs.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR = 3_600_000


class Server:
    """An API on loopback over a register of its own."""

    def __init__(self, folder: Path, clock: ManualClock | SystemClock) -> None:
        self.clock = clock
        self.register = open_register(f"sqlite:///{folder / 'register.db'}")
        self.register.migrate()
        self.series = open_series_store(f"sqlite:///{folder / 'series.db'}")
        with self.register.transaction() as unit:
            add_sites(unit, [entry("isla", clock.wall_ms()), entry("sim-x", clock.wall_ms(), simulated=True)])
            set_broker_endpoint(unit, BrokerEndpoint("broker.example.org", 8883, tls=True, ca_pem="PEM"))
        # No demo: whoever enrols has no account and no session.
        self.http = serve(create_app(self.register, self.series, clock, ApiSettings()), port=0)

    def code(self, device: str = "agent", hours: float = 24) -> str:
        with self.register.transaction() as unit:
            return issue_code(unit, "isla", device, self.clock.wall_ms(), "test", hours).text

    def close(self) -> None:
        self.http.stop()
        self.series.close()
        self.register.close()


def entry(site: str, at_ms: int, *, simulated: bool = False) -> SiteEntry:
    shown = Site(id=site, name=site, timezone="America/Merida", created_at_ms=at_ms, simulated=simulated)
    device = Device(site=site, id="agent", kind="agent", enrolled_at_ms=at_ms)
    return SiteEntry(shown, at_ms, SiteState.COMMISSIONED, devices=(device,))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path, ManualClock(1_767_225_600_000))
    yield made
    made.close()


def refusal(server: Server, code: str, folder: Path) -> str:
    with pytest.raises(CannotEnrol) as caught:
        enrol(Where(server.http.url), code, folder)
    return str(caught.value)


def test_a_code_gives_the_device_all_it_needs_and_nobody_else_can_read_it(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "agent"
    made = enrol(Where(server.http.url), server.code().lower().replace("-", " "), folder)
    assert (made.site, made.device, made.username) == ("isla", "agent", "isla/agent")
    settings = load_agent_settings(None, {"ALDEA_DATA": str(folder)})
    broker = settings.broker
    assert (settings.site, broker.host, broker.port, broker.tls) == ("isla", "broker.example.org", 8883, True)
    assert broker.ca_file is not None
    assert broker.ca_file.read_text() == "PEM"
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    said = look_at_enrolment(settings)
    assert said.error is None
    assert said.sentence == f"isla/agent, {server.http.url}, broker.example.org:8883 (TLS)"


def test_a_code_by_the_input_is_no_word_of_a_command_and_spanish_is_spoken(server: Server, tmp_path: Path) -> None:
    def enrols(code: str, *more: str, language: str = "es_MX.UTF-8") -> subprocess.CompletedProcess[str]:
        words = ["enrol", "--server", server.http.url, "--code", "-", "--data", str(tmp_path / "agent"), *more]
        return subprocess.run(
            [sys.executable, "-m", "aldea.agents", *words],
            input=f"{code}\n",
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": language},
            check=False,
        )

    refused = enrols("AAAA-AAAA")
    assert refused.returncode == 1
    assert "Este código no se conoce: revisarlo, o pedir otro" in refused.stderr
    assert "El código no es de los nuestros: tiene 8 letras y dígitos" in enrols("").stderr
    assert "This code is not known" in enrols("AAAA-AAAA", language="C").stderr
    done = enrols(server.code(), "--by-service")
    assert (done.returncode, done.stdout.strip()) == (
        0,
        f"Este equipo es isla/agent; quedó guardado en {tmp_path / 'agent'}.",
    )


def test_the_server_keeps_neither_the_code_nor_the_password(server: Server, tmp_path: Path) -> None:
    code = server.code()
    made = enrol(Where(server.http.url), code, tmp_path / "agent")
    password = (tmp_path / "agent" / made.password_file).read_text().strip()
    stored = (tmp_path / "register.db").read_bytes()
    wal = tmp_path / "register.db-wal"
    stored += wal.read_bytes() if wal.exists() else b""
    assert password.encode() not in stored
    assert code.replace("-", "").encode() not in stored
    with server.register.reading() as unit:
        kept = unit.connection.execute(enrolment_code.select()).one()
    assert kept.code_hash == hash_code(code)


def test_a_code_is_good_once(server: Server, tmp_path: Path) -> None:
    code = server.code()
    enrol(Where(server.http.url), code, tmp_path / "one")
    assert "was used already" in refusal(server, code, tmp_path / "two")
    assert enrolled(tmp_path / "two") is None


def test_wrong_old_and_replaced_codes_get_a_sentence(server: Server, tmp_path: Path) -> None:
    assert "is not one of ours" in refusal(server, "0000", tmp_path / "a")
    assert "is not known" in refusal(server, "AAAA-AAAA", tmp_path / "a")
    first = server.code()
    server.code()
    assert "was replaced by a newer one" in refusal(server, first, tmp_path / "a")
    assert isinstance(server.clock, ManualClock)
    short = server.code(hours=1)
    server.clock.advance(HOUR)
    assert "is over" in refusal(server, short, tmp_path / "a")


def test_many_wrong_codes_close_the_door_for_ten_minutes(server: Server, tmp_path: Path) -> None:
    good = server.code()
    for _ in range(10):
        assert "is not known" in refusal(server, "AAAA-AAAA", tmp_path / "a")
    assert "Too many wrong codes" in refusal(server, good, tmp_path / "a")
    assert isinstance(server.clock, ManualClock)
    server.clock.advance(600_001)
    assert enrol(Where(server.http.url), good, tmp_path / "a").site == "isla"


def test_a_folder_of_another_site_is_refused_and_the_code_stays_good(server: Server, tmp_path: Path) -> None:
    enrol(Where(server.http.url), server.code(), tmp_path / "agent")
    with server.register.transaction() as unit:
        add_sites(unit, [entry("monte", server.clock.wall_ms())])
        code = issue_code(unit, "monte", "agent", server.clock.wall_ms(), "test").text
    assert "belongs to 'isla'" in refusal(server, code, tmp_path / "agent")
    assert enrol(Where(server.http.url), code, tmp_path / "other").site == "monte"


def test_what_cannot_be_enrolled_says_why(server: Server, tmp_path: Path) -> None:
    now = server.clock.wall_ms()
    with server.register.transaction() as unit:
        with pytest.raises(RegisterError, match="is simulated"):
            issue_code(unit, "sim-x", "agent", now, "test")
        with pytest.raises(RegisterError, match="is not registered"):
            issue_code(unit, "nowhere", "agent", now, "test")
        with pytest.raises(RegisterError, match="must be 1 to 39"):
            issue_code(unit, "isla", "A B", now, "test")
        code = issue_code(unit, "isla", "agent", now, "test").text
        set_state(unit, "isla", SiteState.CLOSED, now)
    assert "is closed" in refusal(server, code, tmp_path / "agent")
    with pytest.raises(CannotEnrol, match="El sitio 'isla' está cerrado: hay que abrirlo otra vez"):
        enrol(Where(server.http.url), code, tmp_path / "agent", "es")


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("http://aldea.example.org", "has no encryption"),
        ("ftp://x", "is not an address"),
        ("https://", "not an address"),
    ],
)
def test_an_address_that_cannot_be_gets_a_sentence(address: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(CannotEnrol, match=word):
        enrol(Where(address), "AAAA-AAAA", tmp_path)


def test_no_server_and_another_server_get_a_sentence(server: Server, tmp_path: Path) -> None:
    with pytest.raises(CannotEnrol, match="cannot be reached"):
        enrol(Where(f"http://127.0.0.1:{free_port()}"), "AAAA-AAAA", tmp_path)
    with pytest.raises(CannotEnrol, match="There is nothing at"):
        enrol(Where(f"{server.http.url}/elsewhere"), "AAAA-AAAA", tmp_path)


def test_a_spoilt_enrolment_and_another_site_in_the_settings_are_said(server: Server, tmp_path: Path) -> None:
    enrol(Where(server.http.url), server.code(), tmp_path / "agent")
    environ = {"ALDEA_DATA": str(tmp_path / "agent")}
    with pytest.raises(SettingsError, match="is enrolled as isla/agent"):
        load_agent_settings(None, environ | {"ALDEA_SITE": "monte"})
    own = load_agent_settings(None, environ | {"ALDEA_MQTT_HOST": "127.0.0.1"})
    assert (own.broker.host, own.broker.username) == ("127.0.0.1", None)
    (tmp_path / "agent" / "enrolment.json").write_text("{")
    with pytest.raises(SettingsError, match="enrol again with a new code"):
        load_agent_settings(None, environ)


def test_a_malformed_request_is_a_problem_document(server: Server) -> None:
    request = urllib.request.Request(
        f"{server.http.url}/api/v1/enrol", b'{"code": 7}', {"Content-Type": "application/json"}, method="POST"
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as answer:
        document = json.load(answer)
    assert (answer.code, answer.headers["Content-Type"]) == (400, "application/problem+json")
    assert "code" in document["detail"]


def test_replacing_ends_the_old_access_and_keeps_the_device_primary(server: Server) -> None:
    now = server.clock.wall_ms()
    first = server.code()
    with server.register.transaction() as unit:
        before = redeem_code(unit, first, {}, now)
        code = replace_device(unit, "isla", None, now + 1, "test")
        assert valid_credentials(unit) == ()
        after = redeem_code(unit, code.text, {"hardware_id": "ab"}, now + 2)
        assert before.username == after.username
        assert before.password != after.password
        assert [(item.id, item.is_primary) for item in devices_of(unit, "isla")] == [("agent", True)]
        with pytest.raises(RegisterError, match="has no device 'other': it has agent"):
            replace_device(unit, "isla", "other", now, "test")


def test_codes_are_easy_to_copy() -> None:
    assert not set("01ILOU") & set(ALPHABET)
    assert hash_code("k7qm 3xpt") == hash_code("K7QM-3XPT")
    assert issubclass(TooManyAttempts, EnrolmentRefused)


def test_from_the_code_to_rows_in_the_register_over_tls(tmp_path: Path) -> None:
    """The agent is a process of its own that knows nothing but its folder; the collector signs in as well."""
    server = Server(tmp_path, SystemClock())
    wish = FieldWish("127.0.0.1", free_port(), "localhost")
    broker = start_secured(tmp_path, wish, server.register, SystemClock(), lambda _: None)
    address = BrokerAddress("localhost", wish.port, COLLECTOR, broker.passwords.collector, tmp_path / "broker/ca.crt")
    collector = Collector("main", tmp_path / "collector", address, server.register, server.series, SystemClock())
    collector.start()
    agent = None
    try:
        folder = tmp_path / "agent"
        enrol(Where(server.http.url), server.code(), folder)
        (tmp_path / "agent.toml").write_text(QUIET)
        environ: dict[str, str] = {"ALDEA_DATA": str(folder), "PATH": "/usr/bin:/bin"}
        command = [sys.executable, "-m", "aldea.agents", "run", "--config", str(tmp_path / "agent.toml")]
        with (tmp_path / "agent.log").open("wb") as log:
            agent = start_tied(command, stdin=-3, stdout=log, stderr=log, environ=environ)
        assert wait_for_rows(server.register, "isla"), (tmp_path / "agent.log").read_text()
        with server.register.transaction() as unit:
            replace_device(unit, "isla", "agent", SystemClock().wall_ms(), "test")
        deadline = time.monotonic() + 90
        while "refuses the connection" not in (tmp_path / "agent.log").read_text():
            assert time.monotonic() < deadline, (tmp_path / "agent.log").read_text()
            time.sleep(0.1)
    finally:
        if agent is not None:
            agent.terminate()
            agent.wait(60)
        collector.stop()
        broker.stop()
        server.close()


QUIET = """
[agent]
sample_seconds = 1
send_seconds = 1
[agent.ping]
enabled = false
[agent.dns]
enabled = false
[agent.http]
enabled = false
[agent.snmp]
enabled = false
"""


def wait_for_rows(register: Register, site: str) -> bool:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        with register.reading() as unit:
            streams: Any = streams_of(unit, site)
        if streams and streams[0].stored_rows > 0:
            return True
        time.sleep(0.1)
    return False
