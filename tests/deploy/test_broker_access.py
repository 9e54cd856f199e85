"""A real mosquitto with TLS and passwords: who gets in, who may say and hear what, and who no longer."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aldea.deploy.broker import BrokerError
from aldea.deploy.broker.access import COLLECTOR, SIMULATOR
from aldea.deploy.broker.certificates import own_certificates
from aldea.deploy.broker.secured import FieldWish, start_secured
from aldea.model.clock import ManualClock, SystemClock
from aldea.storage.register import Register, open_register
from aldea.storage.register.credentials import make_credential, revoke_credential
from aldea.storage.register.devices import Device
from aldea.storage.register.endpoint import broker_endpoint
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from rigs.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = 1_767_225_600_000


class Field:
    """A broker that faces the field, with two real sites and a simulated one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.register = open_register(f"sqlite:///{folder / 'register.db'}")
        self.register.migrate()
        self.passwords: dict[str, str] = {}
        with self.register.transaction() as unit:
            add_sites(unit, [entry("isla"), entry("monte"), entry("sim-valle", simulated=True)])
            for site in ("isla", "monte"):
                username = f"{site}/agent"
                self.passwords[username] = make_credential(unit, username, NOW, site=site, device="agent")
        self.port = free_port()
        self.broker = start_secured(
            folder, FieldWish("127.0.0.1", self.port, "localhost"), self.register, SystemClock(), lambda _: None
        )
        self.ca = folder / "broker" / "ca.crt"
        self.passwords[COLLECTOR] = self.broker.passwords.collector.read_text().strip()
        self.passwords[SIMULATOR] = self.broker.passwords.simulator.read_text().strip()

    def close(self) -> None:
        self.broker.stop()
        self.register.close()


def entry(site: str, *, simulated: bool = False) -> SiteEntry:
    device = Device(site=site, id="agent", kind="agent", enrolled_at_ms=NOW)
    shown = Site(id=site, name=site, timezone="America/Merida", created_at_ms=NOW, simulated=simulated)
    return SiteEntry(shown, NOW, SiteState.COMMISSIONED, devices=(device,))


class Client:
    """A client that notes what it is told. `connect` returns the broker's answer."""

    def __init__(self, field: Field, username: str | None, password: str | None = None, client_id: str = "") -> None:
        self.field = field
        self.answers: queue.Queue[str] = queue.Queue()
        self.received: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.lost = threading.Event()
        self.subscribed = threading.Event()
        self.paho = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv311, reconnect_on_failure=False
        )
        if username is not None:
            self.paho.username_pw_set(username, password or field.passwords[username])
        self.paho.on_connect = lambda *said: self.answers.put(str(said[3]))
        self.paho.on_disconnect = lambda *_: self.lost.set()
        self.paho.on_message = lambda _c, _d, message: self.received.put((message.topic, bytes(message.payload)))
        self.paho.on_subscribe = lambda *_: self.subscribed.set()

    def connect(self, *, tls: bool = True, ca: Path | None = None, host: str = "localhost") -> str:
        if tls:
            self.paho.tls_set(ca_certs=str(ca or self.field.ca), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self.paho.connect(host, self.field.port if tls else self.field.broker.port, keepalive=30)
        self.paho.loop_start()
        return self.answers.get(timeout=60)

    def subscribe(self, *topics: str) -> None:
        self.subscribed.clear()
        self.paho.subscribe([(topic, 1) for topic in topics])
        assert self.subscribed.wait(60)

    def publish(self, topic: str, payload: bytes = b"x") -> None:
        self.paho.publish(topic, payload, qos=1).wait_for_publish(60)

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    made = Field(tmp_path_factory.mktemp("field"))
    yield made
    made.close()


@pytest.fixture
def join(field: Field) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def joining(username: str, *, tls: bool = True, client_id: str = "") -> Client:
        client = Client(field, username, client_id=client_id)
        clients.append(client)
        assert client.connect(tls=tls) == "Success"
        return client

    yield joining
    for client in clients:
        client.close()


def refused(field: Field, username: str | None, password: str | None) -> str:
    client = Client(field, username, password)
    try:
        return client.connect()
    finally:
        client.close()


def test_nobody_gets_in_without_the_right_password(field: Field) -> None:
    assert refused(field, None, None) == "Not authorized"
    assert refused(field, "isla/agent", "wrong") == "Not authorized"
    assert refused(field, "isla/agent", field.passwords["monte/agent"]) == "Not authorized"
    assert refused(field, "stranger", "x") == "Not authorized"


def test_the_listener_of_our_own_parts_asks_for_a_password_as_well(field: Field) -> None:
    client = Client(field, None)
    assert client.connect(tls=False, host="127.0.0.1") == "Not authorized"
    client.close()


def shake_hands(field: Field, ca: Path, name: str) -> None:
    context = ssl.create_default_context(cafile=str(ca))
    with (
        socket.create_connection(("127.0.0.1", field.port)) as plain,
        context.wrap_socket(plain, server_hostname=name),
    ):
        pass


def test_another_authority_and_another_name_are_refused_by_who_connects(field: Field, tmp_path: Path) -> None:
    other = own_certificates(tmp_path, ["localhost"], SystemClock())
    assert other.ca is not None
    for name in ("localhost", "127.0.0.1"):
        shake_hands(field, field.ca, name)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer|self-signed"):
        shake_hands(field, other.ca, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        shake_hands(field, field.ca, "broker.example.org")


def test_a_device_speaks_on_its_own_lanes_and_no_others(field: Field, join: Callable[..., Client]) -> None:
    collector = join(COLLECTOR, tls=False)
    collector.subscribe("aldea/1/+/+/live", "aldea/1/+/+/bulk", "aldea/1/+/+/status", "aldea/1/+/+/cmd")
    isla = join("isla/agent")
    for topic in ("monte/agent/live", "isla/other/live", "isla/agent/cmd", "sim-valle/agent/status"):
        isla.publish(f"aldea/1/{topic}", b"forged")
    for lane in ("live", "bulk", "status"):
        isla.publish(f"aldea/1/isla/agent/{lane}", lane.encode())
    heard = [collector.received.get(timeout=60) for _ in range(3)]
    assert heard == [(f"aldea/1/isla/agent/{lane}", lane.encode()) for lane in ("live", "bulk", "status")]
    assert collector.received.empty()


def test_a_device_hears_its_own_answers_and_no_others(field: Field, join: Callable[..., Client]) -> None:
    collector, monte = join(COLLECTOR, tls=False), join("monte/agent")
    monte.subscribe("aldea/1/monte/agent/cmd", "aldea/1/isla/agent/cmd", "aldea/1/+/+/ack", "#", "$SYS/#")
    collector.publish("aldea/1/isla/agent/cmd", b"secret")
    collector.publish("aldea/1/isla/agent/ack", b"secret")
    collector.publish("aldea/1/monte/agent/cmd", b"mine")
    assert monte.received.get(timeout=60) == ("aldea/1/monte/agent/cmd", b"mine")
    time.sleep(0.1)
    assert all(topic.startswith("aldea/1/monte/agent/") for topic, _ in monte.received.queue)


def test_a_will_and_a_retained_message_obey_the_same_rules(field: Field, join: Callable[..., Client]) -> None:
    collector = join(COLLECTOR, tls=False)
    collector.subscribe("aldea/1/+/+/status")
    isla = Client(field, "isla/agent")
    isla.paho.will_set("aldea/1/monte/agent/status", b"forged", qos=1, retain=True)
    assert isla.connect() == "Success"
    isla.paho.publish("aldea/1/monte/agent/status", b"forged", qos=1, retain=True).wait_for_publish(60)
    connection = isla.paho.socket()
    assert connection is not None
    connection.close()
    isla.paho.loop_stop()
    monte = join("monte/agent")
    monte.publish("aldea/1/monte/agent/status", b"true")
    assert collector.received.get(timeout=60) == ("aldea/1/monte/agent/status", b"true")


def test_a_device_cannot_throw_another_out_by_its_client_id(field: Field, join: Callable[..., Client]) -> None:
    monte = join("monte/agent", client_id="same")
    join("isla/agent", client_id="same")
    assert not monte.lost.wait(0.3)


def test_the_simulator_speaks_for_simulated_sites_alone(field: Field, join: Callable[..., Client]) -> None:
    collector = join(COLLECTOR, tls=False)
    collector.subscribe("aldea/1/+/+/live")
    simulator = join(SIMULATOR, tls=False)
    simulator.publish("aldea/1/isla/agent/live", b"forged")
    simulator.publish("aldea/1/sim-valle/agent/live", b"made up")
    assert collector.received.get(timeout=60) == ("aldea/1/sim-valle/agent/live", b"made up")


def test_a_revoked_device_is_thrown_out_and_refused_while_others_stay(
    field: Field, join: Callable[..., Client]
) -> None:
    with field.register.transaction() as unit:
        add_sites(unit, [entry("cerro")])
        field.passwords["cerro/agent"] = make_credential(unit, "cerro/agent", NOW, site="cerro", device="agent")
    wait_until_let_in(field, "cerro/agent")
    cerro, monte = join("cerro/agent"), join("monte/agent")
    with field.register.transaction() as unit:
        assert revoke_credential(unit, "cerro/agent", NOW + 1)
    assert cerro.lost.wait(60)
    assert refused(field, "cerro/agent", field.passwords["cerro/agent"]) == "Not authorized"
    assert not monte.lost.is_set()


def wait_until_let_in(field: Field, username: str) -> None:
    deadline = time.monotonic() + 60
    while refused(field, username, field.passwords[username]) != "Success":
        assert time.monotonic() < deadline, "a new credential was not taken over"
        time.sleep(0.1)


def test_after_a_restart_the_same_passwords_and_the_same_authority_hold(tmp_path: Path) -> None:
    first = Field(tmp_path)
    passwords, authority = dict(first.passwords), first.ca.read_bytes()
    first.broker.stop()
    for name in ("passwords", "acl", "mosquitto.conf"):
        (tmp_path / "broker" / name).unlink()
    wish = FieldWish("127.0.0.1", first.port, "localhost")
    again = start_secured(tmp_path, wish, first.register, SystemClock(), lambda _: None)
    try:
        assert again.passwords.collector.read_text().strip() == passwords[COLLECTOR]
        assert first.ca.read_bytes() == authority
        assert refused(first, "isla/agent", passwords["isla/agent"]) == "Success"
        assert (tmp_path / "broker" / "passwords").stat().st_mode & 0o777 == 0o600
        assert told(first.register) == ("localhost", first.port, True, authority.decode())
    finally:
        again.stop()
        first.close()


def told(register: Register) -> tuple[str, int, bool, str | None]:
    with register.reading() as unit:
        endpoint = broker_endpoint(unit)
    assert endpoint is not None
    return endpoint.host, endpoint.port, endpoint.tls, endpoint.ca_pem


def test_a_certificate_is_made_again_before_it_ends_or_when_a_name_is_missing(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    files = own_certificates(tmp_path, ["localhost"], clock)
    assert files.ca is not None
    first, authority = files.certificate.read_bytes(), files.ca.read_bytes()
    own_certificates(tmp_path, ["localhost"], clock)
    assert files.certificate.read_bytes() == first
    own_certificates(tmp_path, ["localhost", "10.0.0.7"], clock)
    second = files.certificate.read_bytes()
    assert second != first
    clock.advance(800 * 86_400_000)
    own_certificates(tmp_path, ["localhost", "10.0.0.7"], clock)
    assert files.certificate.read_bytes() != second
    assert files.ca.read_bytes() == authority


def test_a_lost_authority_key_and_a_foreign_address_get_a_sentence(tmp_path: Path) -> None:
    own_certificates(tmp_path / "broker", ["localhost"], SystemClock())
    (tmp_path / "broker" / "ca.key").unlink()
    with pytest.raises(BrokerError, match=r"without its ca\.key: put the key back"):
        own_certificates(tmp_path / "broker", ["localhost"], SystemClock())
    register = open_register("sqlite:///" + str(tmp_path / "register.db"))
    with pytest.raises(BrokerError, match="the address is not this machine's"):
        start_secured(tmp_path, FieldWish("203.0.113.77"), register, SystemClock(), lambda _: None)
    register.close()
