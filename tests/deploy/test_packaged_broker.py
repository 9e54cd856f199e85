"""`aldea broker config`, `sync` and `publisher` with a mosquitto that the system would run, and `aldea tail` at it."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from aldea.deploy.broker import BrokerError
from aldea.deploy.broker.access import AccessFiles, AccessKeeper
from aldea.deploy.broker.mosquitto import accepts_connections, find_mosquitto
from aldea.deploy.cli.main import main
from aldea.storage.register import open_register
from aldea.storage.register.credentials import make_credential, revoke_credential
from aldea.storage.register.devices import Device
from aldea.storage.register.endpoint import broker_endpoint
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from rigs.processes import LOOPBACK, ServerProcess, free_port
from rigs.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_767_225_600_000


class System:
    """A register, the folder that `aldea broker config` made, and a mosquitto that was started with it."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'register.db'}"
        self.register = open_register(self.url)
        self.register.migrate()
        with self.register.transaction() as unit:
            device = Device(site="isla", id="agent", kind="agent", enrolled_at_ms=NOW)
            site = Site(id="isla", name="Isla", timezone="America/Merida", created_at_ms=NOW)
            add_sites(unit, [SiteEntry(site, NOW, SiteState.COMMISSIONED, devices=(device,))])
            self.password = make_credential(unit, "isla/agent", NOW, site="isla", device="agent")
        self.out, self.port, self.local_port = folder / "out", free_port(), free_port()
        assert self.aldea("config", "--name", "localhost", "--port", self.port, "--local-port", self.local_port) == 0
        config = self.out / "mosquitto.conf"
        if os.geteuid() == 0:
            config.write_text(f"user root\n{config.read_text()}")
        executable = find_mosquitto()
        assert executable is not None
        self.process = ServerProcess("mosquitto", [str(executable), "-c", str(config)], folder / "mosquitto.log")
        self.process.start(lambda: accepts_connections(LOOPBACK, self.local_port, anonymous=False))

    def aldea(self, action: str, *words: object) -> int:
        folder = ["--out", str(self.out)] if action in {"config", "sync"} else []
        return main(["broker", "--register", self.url, action, *folder, *map(str, words)])

    def client(self, username: str, password: str, *, tls: bool) -> tuple[mqtt.Client, str]:
        """Connect; return the client and what the broker answered."""
        answers: list[str] = []
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311, reconnect_on_failure=False)
        client.username_pw_set(username, password)
        client.on_connect = lambda *said: answers.append(str(said[3]))
        if tls:
            client.tls_set(ca_certs=str(self.out / "ca.crt"), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        client.connect("localhost" if tls else LOOPBACK, self.port if tls else self.local_port)
        client.loop_start()
        eventually(lambda: bool(answers))
        return client, answers[0]

    def close(self) -> None:
        self.process.stop()
        self.register.close()


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    made = System(tmp_path_factory.mktemp("packaged"))
    yield made
    made.close()


def test_a_device_reaches_the_collector_through_what_config_has_written(system: System) -> None:
    password = (system.out / "collector.password").read_text().strip()
    collector, answer = system.client("aldea-collector", password, tls=False)
    assert answer == "Success"
    heard: list[str] = []
    subscribed: list[bool] = []
    collector.on_message = lambda _c, _d, message: heard.append(message.topic)
    collector.on_subscribe = lambda *_: subscribed.append(True)
    collector.subscribe("aldea/1/+/+/#", 1)
    eventually(lambda: bool(subscribed))
    device, answer = system.client("isla/agent", system.password, tls=True)
    assert answer == "Success"
    for topic in ("aldea/1/monte/agent/live", "aldea/1/isla/agent/cmd", "aldea/1/isla/agent/live"):
        device.publish(topic, b"x", qos=1).wait_for_publish(60)
    eventually(lambda: bool(heard))
    assert heard == ["aldea/1/isla/agent/live"]
    for client in (collector, device):
        client.disconnect()
        client.loop_stop()


def test_what_devices_are_told_is_what_the_broker_is(system: System) -> None:
    with system.register.reading() as unit:
        endpoint = broker_endpoint(unit)
    assert endpoint is not None
    assert (endpoint.host, endpoint.port, endpoint.tls) == ("localhost", system.port, True)
    assert endpoint.ca_pem == (system.out / "ca.crt").read_text()


def test_sync_with_a_signal_lets_a_new_device_in_and_a_revoked_one_out(system: System, tmp_path: Path) -> None:
    process = system.process.pid
    assert process is not None
    words = ["broker", "--register", system.url, "sync", "--out", str(system.out), "--watch", "--signal", str(process)]
    with (tmp_path / "sync.log").open("wb") as log:
        syncing = subprocess.Popen([sys.executable, "-m", "aldea.deploy.cli", *words], stdout=log, stderr=log)
    try:
        with system.register.transaction() as unit:
            password = make_credential(unit, "isla/second", NOW, site="isla", device="agent")

        def enters() -> bool:
            client, answer = system.client("isla/second", password, tls=True)
            client.disconnect()
            client.loop_stop()
            return answer == "Success"

        eventually(enters)
        with system.register.transaction() as unit:
            revoke_credential(unit, "isla/second", NOW + 1)
        eventually(lambda: not enters())
        syncing.send_signal(signal.SIGTERM)
        assert syncing.wait(60) == 0
    finally:
        syncing.kill()
        syncing.wait(60)


def test_a_broker_that_could_not_be_told_is_told_again(tmp_path: Path) -> None:
    register = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    register.migrate()
    told: list[bool] = []

    def tell() -> None:
        told.append(True)
        if len(told) == 1:
            raise BrokerError("it is starting")

    keeper = AccessKeeper(register, AccessFiles(tmp_path / "out"), tell)
    with pytest.raises(BrokerError):
        keeper.look()
    assert not keeper.look(), "the files are written already"
    assert not keeper.look()
    assert len(told) == 2
    register.close()


@pytest.mark.parametrize("process", ["0", "-1", "mosquitto", "99999999999"])
def test_a_signal_to_what_is_no_process_is_refused(
    system: System, process: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        system.aldea("sync", f"--signal={process}")
    assert "is no process: give its number" in capsys.readouterr().err


def test_a_process_that_is_gone_is_said(system: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    words = ["broker", "--register", system.url, "sync", "--out", str(tmp_path / "new"), "--signal", str(ended.pid)]
    assert main(words) == 1
    assert f"process {ended.pid} was not told to read them again" in capsys.readouterr().err


@pytest.mark.parametrize(
    "topic", ["#", "+/a", "aldea/1/x/y/live", "$SYS/a", "a/b#", "a/#/b", "a/+b", "a\nuser b", "a\rb", " a", "", "a#"]
)
def test_a_topic_that_would_spoil_the_rules_is_refused(
    system: System, topic: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert system.aldea("publisher", "weather", f"--topic={topic}") == 1
    assert "--topic" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a:b", "a\nb:$7$", "aldea-collector", "isla/agent", "Ü", ""])
def test_a_name_that_would_spoil_the_password_file_is_refused(
    system: System, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert system.aldea("publisher", name, "--topic=weather/#") == 1
    assert "must be 1 to 39 of a-z, 0-9 and -" in capsys.readouterr().err


def test_tail_signs_in_as_the_collector_does(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    with system.register.transaction() as unit:
        make_credential(unit, "isla/agent", NOW, site="isla", device="agent", password=system.password)
    device, _ = system.client("isla/agent", system.password, tls=True)
    device.publish("aldea/1/isla/agent/status", b"{}", qos=1, retain=True).wait_for_publish(60)
    device.disconnect()
    device.loop_stop()
    password, authority = system.out / "collector.password", system.out / "ca.crt"
    words = ["tail", "--json", "--count=1", "--mqtt-host=localhost", f"--mqtt-port={system.port}", f"--ca={authority}"]
    assert main([*words, "--username=aldea-collector", f"--password-file={password}"]) == 0
    assert json.loads(capsys.readouterr().out)["site"] == "isla"
    assert main(words) == 1
    assert "the broker lets nobody in so" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--password-file=x"], "needs a name as well: --username"),
        (["--username=a", "--password-file=/nowhere/x"], "can't be read"),
        (["--ca=/nowhere/ca.crt"], "can't be read"),
    ],
)
def test_tail_says_what_is_wrong_with_its_options(
    options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tail", *options]) == 1
    assert said in capsys.readouterr().err


def test_tail_takes_a_site_and_no_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["tail", "--site", "a/#"])
    assert "is no site's id" in capsys.readouterr().err
