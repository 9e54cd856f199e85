"""The installed service under a real systemd: it runs within its walls, at each boot, and its page is there."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from aldea.agents.outbox import Stopped
from deploy.test_enrolment import wait_for_rows
from installkit.booting import Booted
from installkit.headquarters import running_headquarters
from installkit.machine import DATA
from rigs.processes import free_port
from rigs.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from installkit.machine import Machine

pytestmark = pytest.mark.timeout(900)

SETTINGS = """\
[agent]
sample_seconds = 1
send_seconds = 1
[agent.ping]
anchors = ["127.0.0.1"]
[agent.dns]
names = ["localhost"]
[agent.page]
enabled = true
host = "127.0.0.1"
port = {port}
"""
WALLS = (
    "-p MemoryDenyWriteExecute=yes -p SystemCallFilter=@system-service -p 'SystemCallFilter=~@privileged @resources'"
)
CLEAN_STOP = (
    f"python3 -c \"import sqlite3; print(sqlite3.connect('/{DATA}/outbox.sqlite')"
    ".execute('SELECT value FROM meta WHERE name = ?', ('clean_stop',)).fetchone()[0])\""
)
SEAL = "from aldea.agents.records.sealing import seal; seal((), 'a passphrase long enough')"


def test_systemd_starts_the_agent_now_and_at_each_boot(machine: Machine, wheel: Path, tmp_path: Path) -> None:
    shutil.copy(wheel, machine.given / wheel.name)
    port = free_port()
    machine.run("mkdir -p /etc/aldea && cat > /etc/aldea/agent.toml", given=SETTINGS.format(port=port))
    with running_headquarters(tmp_path) as server:
        booted = Booted(machine)
        try:
            where = f"--server {server.http.url} --allow-http --code -"
            said = machine.run(f"sh /tmp/in/install.sh /tmp/in/{wheel.name} {where}", given=server.code())
            assert "Done. It starts at each boot." in said
            assert wait_for_rows(server.register, "isla"), machine.run("journalctl -u aldea-agent")
            page = f"python3 -c \"import urllib.request as u; print(u.urlopen('http://127.0.0.1:{port}').status)\""
            eventually(lambda: machine.run(f"{page} 2>&1 || true").strip() == "200", 180)
            within_its_walls(machine)
            assert "Traceback" not in machine.run("journalctl -u aldea-agent")
            booted.shut_down()
            assert machine.run(CLEAN_STOP).strip() == str(Stopped.WITH_THE_MACHINE), "the next start will say so"
        finally:
            booted.unplug()
        booted = Booted(machine)
        try:
            eventually(lambda: machine.run("systemctl is-active aldea-agent || true").strip() == "active", 180)
            eventually(lambda: "measuring isla/agent" in machine.run("journalctl -b -u aldea-agent"), 180)
            machine.run("sh /tmp/in/install.sh uninstall --remove-data")
            assert "could not be found" in machine.run("systemctl status aldea-agent 2>&1 || true")
            machine.run("! id aldea-agent && ! pgrep -f [a]ldea.agents")
        finally:
            booted.unplug()


def within_its_walls(machine: Machine) -> None:
    """What systemd has made of the unit's hardening, seen at the process."""
    pid = machine.run("systemctl show -P MainPID aldea-agent").strip()
    status = dict(line.split(":\t", 1) for line in machine.run(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert int(status["CapEff"], 16) in {0, 1 << 13}, "nothing, or to send echo requests"
    assert status["Uid"].split()[0] != "0"
    for folder in ("/etc/aldea", "/opt/aldea-agent", "/usr/local"):
        assert "Read-only" in machine.run(f"nsenter -t {pid} -m touch {folder}/x", fails=True)
    machine.run(f"nsenter -t {pid} -m touch /{DATA}/x")
    # What is loaded at first use is allowed as well: parts compiled for encryption.
    machine.run(f'systemd-run -q --wait --pipe {WALLS} /opt/aldea-agent/python -c "{SEAL}"')
