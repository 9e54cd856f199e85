"""The processes of a story, as people run them: `aldea up`, and `aldea agent` at a site."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import httpx

from aldea.storage.register import open_register
from aldea.storage.register.indicator_values import known_periods
from rigs.home import STAY_HOME, without_aldea
from rigs.processes import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from story.relay import Link

SETTINGS = """\
[up]
mqtt_host = "0.0.0.0"
mqtt_name = "127.0.0.1"
send_seconds = 5
{stay_home}[alerts]
rules = "rules.yaml"
[alerts.mail]
host = "127.0.0.1"
port = {mail}
security = "none"
sender = "aldea@example.org"
"""

# The same rule as ships, in a hurry; a collector on a busy machine is not gone.
RULES = """\
version: 1
engine:
  report_stale_seconds: 60
rules:
  - name: site_silent
    kind: site_silent
    late_sends: 2
    hold_seconds: 15
    hold_sends: 3
    clear_hold_seconds: 5
    clear_sends: 1
"""


class Server:
    """`aldea up`, run in a folder of its own."""

    def __init__(self, folder: Path, mail_port: int) -> None:
        folder.mkdir()
        self.folder, self.data = folder, folder / "data"
        self.http, self.mqtt = free_port(), free_port()
        (folder / "aldea.toml").write_text(SETTINGS.format(stay_home=STAY_HOME, mail=mail_port))
        (folder / "rules.yaml").write_text(RULES)
        environ = {"ALDEA_HTTP_PORT": str(self.http), "ALDEA_MQTT_PORT": str(self.mqtt), "ALDEA_BROKER": "mosquitto"}
        self.environ = without_aldea() | environ
        self.log = (folder / "up.log").open("w")
        command = [sys.executable, "-m", "aldea.deploy.cli", "up", "--data", str(self.data)]
        self.process = subprocess.Popen(command, cwd=folder, env=self.environ, stdout=self.log, stderr=self.log)
        self.url = f"http://127.0.0.1:{self.http}"

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "up.log").read_text()
        try:
            return httpx.get(f"{self.url}/healthz", timeout=30).status_code == 200
        except httpx.TransportError:
            return False

    def has_figures(self) -> bool:
        """Say whether it has worked out indicators of its simulated sites, of which nobody asks it anything."""
        register = open_register(f"sqlite:///{self.data / 'register.db'}")
        with closing(register), register.reading() as unit:
            return bool(known_periods(unit, simulated=True))

    def computes(self, month: str) -> bool:
        """Have a month's indicators worked out now, as who does not want to wait for the next time they are."""
        words = ["indicators", "compute", "--period", month]
        environ = self.environ | {"ALDEA_DATA": str(self.data)}
        command = [sys.executable, "-m", "aldea.deploy.cli", *words]
        done = subprocess.run(command, cwd=self.folder, env=environ, capture_output=True, timeout=180, check=False)
        return done.returncode == 0

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Agent:
    """The box at the site: `aldea agent`, with a folder of its own and a link that can be cut."""

    def __init__(self, folder: Path, link: Link) -> None:
        folder.mkdir()
        self.folder, self.link = folder, link
        self.environ = without_aldea() | {
            "ALDEA_DATA": str(folder / "data"),
            "ALDEA_SAMPLE_SECONDS": "2",
            "ALDEA_SEND_SECONDS": "2",
            "ALDEA_KEEPALIVE_SECONDS": "5",
        }
        (folder / "aldea.toml").write_text(STAY_HOME)
        self.process: subprocess.Popen[bytes] | None = None

    def say(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "aldea.deploy.cli", "agent", *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=180, check=False
        )

    def go_by_the_link(self) -> None:
        """Lead the way to the broker over the link, as a forwarded port would."""
        path = self.folder / "data/enrolment.json"
        path.write_text(re.sub(r'"port": *\d+', f'"port": {self.link.port}', path.read_text()))

    def start(self) -> None:
        log = (self.folder / "agent.log").open("wb")
        with log:
            command = [sys.executable, "-m", "aldea.deploy.cli", "agent", "run"]
            self.process = subprocess.Popen(command, cwd=self.folder, env=self.environ, stdout=log, stderr=log)

    def close(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(60)
