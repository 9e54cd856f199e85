"""The installer on a machine of its own: one command to rows, then upgrade, then uninstall."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from deploy.test_enrolment import QUIET, wait_for_rows
from installkit.headquarters import running_headquarters
from installkit.machine import DATA, SCRIPT, UNIT

if TYPE_CHECKING:
    from pathlib import Path

    from installkit.machine import Machine

pytestmark = pytest.mark.timeout(900)


def test_one_command_from_a_bare_machine_to_rows_then_upgrade_then_uninstall(
    machine: Machine, wheel: Path, tmp_path: Path
) -> None:
    shutil.copy(wheel, machine.given / wheel.name)
    with running_headquarters(tmp_path) as server:
        machine.run("mkdir -p /etc/aldea && cat > /etc/aldea/agent.toml", given=QUIET)
        (machine.given / "release.pub").write_text("who may sign releases")
        trusting = "--release-key /tmp/in/release.pub"
        # As in the image of a card: made ready for the first boot.
        machine.run("rmdir /run/systemd/system")
        said = machine.run(f"sh /tmp/in/install.sh /tmp/in/{wheel.name} {trusting}", lang="es_MX.UTF-8")
        assert "falta inscribirlo" in said
        assert "el agente arranca cuando arranque este sistema" in said
        machine.run("mkdir /run/systemd/system")
        assert " ALDEA_RELEASE_KEY_FILE=/etc/aldea/release-key.pem" in machine.run(f"cat /{UNIT}")
        assert machine.run("stat -c '%U %a' /etc/aldea/release-key.pem").strip() == "root 644"
        assert "restart" not in machine.run("cat /systemctl.log")
        check_unit(machine)
        code = f"--server {server.http.url} --allow-http --code {server.code()}"
        machine.run("echo 'sample_second = 3' >>/etc/aldea/agent.toml")
        said = machine.run(f"sh /tmp/in/install.sh /tmp/in/{wheel.name} {code}", fails=True)
        assert "making the user aldea-agent" not in said  # nothing is made twice
        assert "sample_second" in said
        assert "The settings are wrong. Correct /etc/aldea/agent.toml" in said
        machine.run("sed -i '/^sample_second /d' /etc/aldea/agent.toml && systemctl restart aldea-agent.service")
        assert wait_for_rows(server.register, "isla"), machine.run("cat /agent.log")
        runs = machine.run("ps -o user:20=,args= -p $(cat /run/agent.pid)").split(None, 1)
        assert runs[0] == "aldea-agent"
        # The launcher has become the agent.
        assert "/bin/python -m aldea.agents run" in runs[1]
        assert "/opt/aldea-agent/" in runs[1]
        assert machine.run(f"stat -c '%U %a' /{DATA} /{DATA}/outbox.sqlite").split("\n")[:2] == [
            "aldea-agent 700",
            machine.run(f"stat -c '%U %a' /{DATA}/outbox.sqlite").strip(),
        ]
        assert "an agent is running on /var/lib/aldea-agent" in machine.run("aldea-agent doctor || true")
        # The service's only right is at work: without it the kernel would refuse an echo request here.
        effective = machine.run("grep CapEff /proc/$(cat /run/agent.pid)/status").split()[1]
        assert int(effective, 16) in {0, 1 << 13}
        first = machine.run("readlink /opt/aldea-agent/current")
        epoch = machine.run(_EPOCH)

        said = machine.run(f"sh /tmp/in/install.sh upgrade /tmp/in/{wheel.name}", lang="es_MX.UTF-8")
        assert "este equipo ya está inscrito" in said
        assert "Listo. Arranca con el equipo." in said
        assert machine.run("readlink /opt/aldea-agent/current") != first
        assert len(machine.run("ls -d /opt/aldea-agent/venv-*").split()) == 1
        assert machine.run(_EPOCH) == epoch
        wait_until_restarted(machine)
        assert machine.run("cat /etc/aldea/agent.toml") == QUIET

        said = machine.run("sh /tmp/in/install.sh uninstall")
        assert "kept: /var/lib/aldea-agent" in said
        assert machine.run(f"ls /opt/aldea-agent /{UNIT} 2>&1", fails=True).count("No such file") == 2
        assert "outbox.sqlite" in machine.run(f"ls /{DATA}")
        machine.run("sh /tmp/in/install.sh uninstall --remove-data")
        machine.run(f"test ! -e /{DATA} && test ! -e /etc/aldea && ! id aldea-agent")
        asked = machine.run("cat /systemctl.log").splitlines()
        begun = "enable aldea-agent.service"
        assert asked[:4] == [begun, begun, "daemon-reload", "restart aldea-agent.service"]
        assert "disable --now aldea-agent.service" in asked


def check_unit(machine: Machine) -> None:
    """What systemd itself says of the unit: it is well formed, and open to nothing but the network."""
    (machine.given / "aldea-agent.service").write_text(machine.run(f"cat /{UNIT}"))
    verified = machine.run(f"mv /usr/local/bin/systemctl /tmp/; systemd-analyze verify /{UNIT}")
    assert "aldea-agent" not in verified
    report = machine.run(f"systemd-analyze security --offline=yes --json=short /{UNIT} | cat")
    machine.run("mv /tmp/systemctl /usr/local/bin/")
    exposed = {item["name"] for item in json.loads(report) if float(item.get("exposure") or 0) >= 0.3}
    assert exposed <= {"PrivateNetwork=", "PrivateUsers=", "RestrictAddressFamilies=~AF_(INET|INET6)"}
    if machine.run("cat /proc/sys/net/ipv4/ping_group_range").split() == ["1", "0"]:
        assert "\nAmbientCapabilities=CAP_NET_RAW\n" in machine.run(f"cat /{UNIT}")


_EPOCH = (
    "python3 -c \"import sqlite3; print(sqlite3.connect('/var/lib/aldea-agent/outbox.sqlite')"
    ".execute('SELECT max(name), count(*) FROM epoch').fetchone())\""
)
_STARTS = (
    "python3 -c \"import sqlite3; print(len(sqlite3.connect('/var/lib/aldea-agent/outbox.sqlite')"
    ".execute('SELECT 1 FROM meta WHERE name = ?', ('version',)).fetchall()))\""
)


def wait_until_restarted(machine: Machine) -> None:
    deadline = time.monotonic() + 180
    while machine.run("grep -c 'measuring isla/agent' /agent.log || true").strip() != "2":
        assert time.monotonic() < deadline, machine.run("cat /agent.log")
        time.sleep(0.2)
    assert machine.run(_STARTS).strip() == "1"


def test_only_root_may_install() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become nobody")
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", "sh", "-s"],
        input=SCRIPT.read_text(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Run this as root" in done.stderr
