"""The parts as processes of their own: collector, two alert engines, API, on PostgreSQL and InfluxDB."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from rigs.home import STAY_HOME, without_aldea
from rigs.processes import LOOPBACK, ServerProcess, free_port
from story.waiting import within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rigs.influxdb import InfluxDB
    from rigs.mosquitto import Mosquitto
    from rigs.postgresql import PostgreSQL

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.influx,
    pytest.mark.mosquitto,
    pytest.mark.timeout(900),
]

SETTINGS = f"""\
{STAY_HOME}
[alerts]
rules = "rules.yaml"
"""

RULES = """\
version: 1
engine:
  report_stale_seconds: 60
  grace_seconds: 5
rules:
  - name: site_silent
    kind: site_silent
    late_sends: 2
    hold_seconds: 10
    clear_hold_seconds: 2
    clear_sends: 1
"""


class Parts:
    """Every command as the units run it: the same words, the same environment."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.environ = without_aldea() | environ
        self.running: list[ServerProcess] = []
        (folder / "aldea.toml").write_text(SETTINGS)
        (folder / "rules.yaml").write_text(RULES)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "aldea.deploy.cli", *words]

    def say(self, *words: str, typed: str = "") -> str:
        command = self.command(*words)
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, input=typed, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, name: str, *words: str, **environ: str) -> ServerProcess:
        # A shell would be one process more: the folder is given by env(1).
        command = ["/usr/bin/env", "-C", str(self.folder), *self.command(*words)]
        process = ServerProcess(name, command, self.folder / f"{name}.log", environment=self.environ | environ)
        process.start(lambda: True)
        self.running.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.running):
            process.stop()


@pytest.fixture
def parts(tmp_path: Path, postgresql: PostgreSQL, influxdb: InfluxDB, mosquitto: Mosquitto) -> Iterator[Parts]:
    register = postgresql.create_database("parts")
    database = influxdb.create_database("parts")
    address = influxdb.url.removeprefix("http://")
    made = Parts(
        tmp_path,
        {
            "ALDEA_DATA": str(tmp_path / "data"),
            "ALDEA_REGISTER_URL": register,
            "ALDEA_SERIES_URL": f"influxdb+http://{address}/{database}",
            "ALDEA_MQTT_HOST": LOOPBACK,
            "ALDEA_MQTT_PORT": str(mosquitto.port),
            "ALDEA_HTTP_PORT": str(free_port()),
        },
    )
    yield made
    made.close()


def test_the_parts_run_apart_and_a_standby_takes_over(parts: Parts) -> None:
    parts.say("migrate")
    parts.say("user", "add", "direccion", "--name", "Dirección", "--role", "admin", typed="una frase larga de prueba\n")
    token = parts.say("user", "token", "direccion", "--name", "prueba", "--may", "view").split()
    key = next(word for word in token if word.startswith("aldea_"))
    parts.say("site", "add", "kancab", "--name", "Kancab", "--timezone", "America/Merida")
    parts.run("collector", "collector")
    first = parts.run("alerts-1", "alerts")
    parts.run("alerts-2", "alerts")
    parts.run("api", "api")
    base, signed = f"http://{LOOPBACK}:{parts.environ['ALDEA_HTTP_PORT']}", {"Authorization": f"Bearer {key}"}

    def asked(path: str) -> Any:
        try:
            answer = httpx.get(base + path, headers=signed, timeout=60)
        except httpx.TransportError:
            return None
        return answer.json() if answer.status_code == 200 else None

    within(180, lambda: asked("/readyz"), "the API is ready")
    agent = parts.run(
        "agent",
        *("agent", "run", "--site", "kancab"),
        ALDEA_DATA=str(parts.folder / "agent"),
        ALDEA_SAMPLE_SECONDS="1",
        ALDEA_SEND_SECONDS="1",
    )
    within(180, lambda: (asked("/api/v1/sites/kancab") or {}).get("state") == "up", "the site is up")
    series = "/api/v1/sites/kancab/series?measurement=ping&field=received"
    within(180, lambda: (asked(series) or {}).get("series"), "its series come from InfluxDB")
    assert asked("/api/v1/incidents")["items"] == []

    first.kill()
    agent.kill()
    found = within(180, lambda: (asked("/api/v1/incidents") or {}).get("items"), "the standby opens the incident")
    assert [(one["site"], one["rule"]) for one in found] == [("kancab", "site_silent")]
