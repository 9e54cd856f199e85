"""The doctor on real machines: this one, and servers on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from agentkit.box import make_view
from aldea.agents.checkup import collecting
from aldea.agents.checkup.broker import ask_broker
from aldea.agents.checkup.collecting import network
from aldea.agents.checkup.doctor import examine, run_doctor
from aldea.agents.checkup.evidence import BrokerAnswer
from aldea.agents.checkup.findings import Finding, State
from aldea.agents.checkup.folder import folder_error
from aldea.agents.lock import FolderLock
from aldea.agents.page.server import PageServer
from aldea.agents.page_settings import PageSettings
from aldea.agents.probe import ProbeContext
from aldea.agents.probe_settings import DnsSettings, HttpSettings, HttpTarget, InterfacesSettings, PingSettings
from aldea.agents.settings import AgentSettings, BrokerSettings
from aldea.model.clock import ManualClock
from rigs.mosquitto import Mosquitto
from rigs.processes import find_program, free_port


class Page(BaseHTTPRequestHandler):
    """A page that answers 204, or a portal's page in its place."""

    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/portal" else 204)
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return None


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def settings_for(folder: Path, page: str, broker: BrokerSettings) -> AgentSettings:
    """Return settings that look no further than this machine."""
    return AgentSettings(
        site="yaxcaba",
        data=folder,
        broker=broker,
        ping=PingSettings(gateway=False, anchors=("127.0.0.1",), packets=1),
        dns=DnsSettings(names=()),
        http=HttpSettings(targets=(HttpTarget(url=page, expect_status=204),)),
    )


def state(findings: tuple[Finding, ...], key: str) -> State:
    return next(item.state for item in findings if item.key == key)


def test_where_all_is_well_it_says_so_beside_an_agent_that_runs(
    tmp_path: Path, web: str, mosquitto: Mosquitto, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = FolderLock(tmp_path)
    settings = settings_for(tmp_path, web, BrokerSettings(port=mosquitto.port))
    code = run_doctor(settings, {"LANG": "C"}, as_json=False)
    lock.release()
    said = capsys.readouterr().out
    assert code == 0, said
    assert f"an agent is running on {tmp_path}" in said
    assert f"The server (127.0.0.1:{mosquitto.port}) answers." in said
    assert "The server accepts this box: yaxcaba/agent." in said
    assert "check this first" not in said


def test_a_server_that_is_away_is_said_in_spanish_with_the_exit_code(
    tmp_path: Path, web: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path, web, BrokerSettings(port=free_port()))
    assert run_doctor(settings, {"LC_MESSAGES": "es_MX.UTF-8", "LANG": "C"}, as_json=False) == 1
    said = capsys.readouterr().out
    assert "MAL           El servidor: No se llega al servidor" in said
    assert "<- revise esto primero" in said
    assert "no hay un agente en marcha" in said


def test_as_json_it_names_the_first_thing_and_every_step(
    tmp_path: Path, web: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_for(tmp_path, f"{web}/portal", BrokerSettings(port=free_port()))
    assert run_doctor(settings, {}, as_json=True) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["check_first"] == "web"
    web_finding = next(item for item in document["findings"] if item["key"] == "web")
    assert web_finding["state"] == "wrong"
    assert "payment" in web_finding["what"]
    assert len(web_finding["do"]) == 2


def test_as_a_command_of_its_own_it_works_and_wrong_settings_are_said(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aldea.agents", "doctor", "--json", "--data", str(tmp_path)]
    config = tmp_path / "aldea.toml"
    config.write_text('[agent]\nsite = "yaxcaba"\n[agent.ping]\ngateway = false\nanchors = ["127.0.0.1"]\n')
    environ = {**os.environ, "ALDEA_MQTT_PORT": str(free_port())}
    done = subprocess.run([*command, "--config", str(config)], capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["check_first"]
    config.write_text('[agent]\nsite = "Not An Id"\n')
    done = subprocess.run([*command, "--config", str(config)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "agent.site" in done.stderr


def test_before_a_box_is_enrolled_the_doctor_says_so_and_checks_the_rest(tmp_path: Path) -> None:
    config = tmp_path / "aldea.toml"
    config.write_text(
        '[agent.ping]\ngateway = false\nanchors = ["127.0.0.1"]\n'
        "[agent.http]\nenabled = false\n[agent.dns]\nnames = []\n"
    )
    command = [
        sys.executable,
        "-m",
        "aldea.agents",
        "doctor",
        "--config",
        str(config),
        "--data",
        str(tmp_path / "data"),
    ]
    environ = {**os.environ, "LANG": "es_MX.UTF-8", "LC_ALL": ""}
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert done.returncode == 1, done.stderr
    assert "La caja no está inscrita todavía" in done.stdout
    assert "aldea-agent enrol" in done.stdout
    assert "No se llega al servidor" not in done.stdout
    assert "not-enrolled" not in done.stdout
    config.write_text("[agent.ping]\ninterval_seconds = 0\nno_such = 1\n")
    done = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no_such" in done.stderr


def test_a_box_that_the_broker_refuses_is_not_accepted(tmp_path: Path, web: str) -> None:
    passwords = tmp_path / "passwords"
    passwords.touch()
    subprocess.run(
        [find_program("mosquitto_passwd", "mosquitto"), "-b", str(passwords), "yaxcaba/agent", "right"], check=True
    )
    secret = tmp_path / "secret"
    with Mosquitto(tmp_path / "broker", [f"password_file {passwords}"]) as broker:
        told = BrokerSettings(port=broker.port, username="yaxcaba/agent", password_file=secret)
        settings = settings_for(tmp_path / "data", web, told)
        secret.write_text("wrong")
        refused = ask_broker(settings, 5, clock_is_right=True)
        secret.write_text("right")
        taken = ask_broker(settings, 5, clock_is_right=True)
    assert (refused.failure, refused.accepted) == (None, False)
    assert (taken.failure, taken.accepted) == (None, True)


def test_a_password_that_cannot_be_read_is_the_enrolments_fault(tmp_path: Path, web: str) -> None:
    told = BrokerSettings(port=free_port(), username="yaxcaba/agent", password_file=tmp_path / "none")
    findings = examine(settings_for(tmp_path, web, told))
    assert state(findings, "enrolment") is State.WRONG
    assert state(findings, "server") is State.UNKNOWN


def test_something_that_is_no_broker_ends_the_question_in_time(tmp_path: Path, web: str) -> None:
    port = int(web.rpartition(":")[2])
    answer = ask_broker(settings_for(tmp_path, web, BrokerSettings(port=port)), 2, clock_is_right=True)
    assert answer.failure == "no_reply"


def test_a_folder_that_cannot_be_written_is_said_and_nothing_is_left_in_one_that_can(tmp_path: Path) -> None:
    assert folder_error(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    blocked = tmp_path / "file"
    blocked.write_text("")
    found = folder_error(blocked / "data")
    assert found is not None
    assert found.folder == str(blocked / "data")
    assert not found.is_full


def test_the_cards_are_those_that_lead_somewhere(tmp_path: Path) -> None:
    for name, carrier in (("eth0", "1"), ("docker0", "1"), ("wlan0", "0"), ("lo", "1")):
        folder = tmp_path / "sys/class/net" / name
        folder.mkdir(parents=True)
        (folder / "carrier").write_text(f"{carrier}\n")
    (tmp_path / "sys/class/net/wlan0/wireless").mkdir()
    found = network(tmp_path, InterfacesSettings())
    assert [(card.name, card.has_signal, card.is_wifi) for card in found.interfaces] == [
        ("eth0", True, False),
        ("wlan0", False, True),
    ]
    assert found.route is None


def test_the_doctor_says_where_the_page_is_and_when_another_program_has_its_port(
    tmp_path: Path, web: str, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    settings = replace(
        settings_for(tmp_path, web, BrokerSettings(port=free_port())),
        page=PageSettings(enabled=True, host="127.0.0.1", port=port),
    )
    run_doctor(settings, {}, as_json=False)
    assert "the box's page is not served now" in capsys.readouterr().out
    server = PageServer(make_view(tmp_path, ManualClock(), settings.page))
    server.start()
    assert server.wait_until_bound(60) == port
    run_doctor(settings, {}, as_json=False)
    server.stop()
    assert f"the box's page is at http://127.0.0.1:{port}" in capsys.readouterr().out
    taken = replace(settings, page=replace(settings.page, port=int(web.rpartition(":")[2])))
    run_doctor(taken, {}, as_json=False)
    assert "another program has port" in capsys.readouterr().out
    run_doctor(replace(settings, page=PageSettings()), {}, as_json=True)
    assert json.loads(capsys.readouterr().out)["page"] == "off"


@pytest.mark.parametrize(("where", "booked"), [("198.51.100.7:8883", 5_000), ("192.168.1.5:8883", 0)])
def test_asking_the_server_is_booked_as_what_it_costs_the_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, booked: int
) -> None:
    def answer(*_: object, **__: object) -> BrokerAnswer:
        return BrokerAnswer(where, None, accepted=True)

    monkeypatch.setattr(collecting, "ask_broker", answer)
    settings = AgentSettings(
        site="yaxcaba",
        data=tmp_path,
        broker=BrokerSettings(tls=True),
        ping=PingSettings(enabled=False),
        dns=DnsSettings(enabled=False),
        http=HttpSettings(enabled=False),
    )
    context = ProbeContext(ManualClock(), tmp_path)
    asyncio.run(collecting.Checkup(settings, context).run())
    assert context.meter.take() == booked
