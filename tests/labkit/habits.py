"""How often and how patiently the box at the site asks, and the settings that say so."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

from labkit.names import ANCHORS, BROKER_PORT, HTTP_PAGE, HTTPS_PAGE, ROUTER, SERVER, SERVER_NAME, TEST_PORT
from labkit.server import USER


@dataclass(frozen=True, slots=True)
class Habits:
    """How often and how patiently the agent asks: often, so that a test sees many rounds in seconds.

    And patiently enough that on a busy machine what is well does not seem silent.
    """

    sample_seconds: float = 0.5
    send_seconds: float = 1.0
    packets: int = 3
    spacing_seconds: float = 0.02
    ping_seconds: float = 1.5
    name_seconds: float = 2.0
    page_seconds: float = 3.0
    snmp_seconds: float = 1.5
    anchors: tuple[str, ...] = ANCHORS
    more: str = ""

    def patient(self) -> Habits:
        """Return them for where all is well: nothing takes as long, and a busy machine is not taken for a fault."""
        return replace(self, ping_seconds=3, name_seconds=3, page_seconds=5, snmp_seconds=3)


def settings_text(site: str, folder: Path, authority: Path, habits: Habits) -> str:
    """Return the agent\'s settings at this site, in this folder, with these habits."""
    return f"""\
[agent]
site = "{site}"
data = "{folder / "data"}"
sample_seconds = {habits.sample_seconds}
send_seconds = {habits.send_seconds}
keepalive_seconds = 30
[agent.broker]
host = "{SERVER_NAME}"
port = {BROKER_PORT}
username = "{USER}"
password_file = "{folder / "password"}"
tls = true
ca_file = "{authority}"
[agent.ping]
anchors = {json.dumps(list(habits.anchors))}
packets = {habits.packets}
gateway_packets = {min(habits.packets, 20)}
interval_seconds = {habits.spacing_seconds}
timeout_seconds = {habits.ping_seconds}
[agent.dns]
every_seconds = 0
names = ["{SERVER_NAME}"]
timeout_seconds = {habits.name_seconds}
[agent.http]
every_seconds = 0
timeout_seconds = {habits.page_seconds}
ca_file = "{authority}"
[[agent.http.targets]]
url = "{HTTP_PAGE}"
expect_status = 204
[[agent.http.targets]]
url = "{HTTPS_PAGE}"
expect_text = "internet"
[agent.snmp]
timeout_seconds = {habits.snmp_seconds}
retries = 0
[[agent.snmp.targets]]
host = "{ROUTER}"
name = "router"
interface = "wan"
[agent.clients]
enabled = false
[agent.throughput]
enabled = false
server = "http://{SERVER}:{TEST_PORT}"
{habits.more}"""
