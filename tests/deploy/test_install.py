"""The installer on a real Debian root: an overlay over this machine's own, in mount and process namespaces of its own.

Only the service manager is played, by a script that does what the written unit says: it starts the unit's command as
the unit's user with the unit's capabilities, and writes down what it was asked.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.deploy.broker import free_port
from aldea.deploy.broker.access import COLLECTOR
from aldea.deploy.broker.secured import FieldWish, start_secured
from aldea.model.clock import SystemClock
from deploy.test_enrolment import QUIET, Server, wait_for_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.alone

HERE = Path(__file__).parents[2]
SCRIPT = HERE / "deploy/agent/install.sh"
UNIT = "etc/systemd/system/aldea-agent.service"
DATA = "var/lib/aldea-agent"

SYSTEMCTL = """#!/usr/bin/python3
import os, signal, subprocess, sys, time
words = sys.argv[1:]
with open("/systemctl.log", "a") as log:
    log.write(" ".join(words) + "\\n")
def stop():
    try:
        pid = int(open("/run/agent.pid").read())
        os.kill(pid, signal.SIGTERM)
        while " Z " not in open(f"/proc/{pid}/stat").read():
            time.sleep(0.05)
    except (OSError, ValueError):
        pass
if words[0] in ("restart", "disable"):
    stop()
if words[0] == "is-system-running":
    print("running")
if words[0] == "restart":
    unit = {}
    for line in open("/etc/systemd/system/aldea-agent.service"):
        key, _, value = line.strip().partition("=")
        unit.setdefault(key, value)
    cap = unit["AmbientCapabilities"].lower().removeprefix("cap_")
    drop = ["--inh-caps=-all", "--bounding-set=-all"]
    if cap:
        drop = [f"--inh-caps=-all,+{cap}", f"--ambient-caps=+{cap}", f"--bounding-set=-all,+{cap}"]
    ids = [f"--reuid={unit['User']}", f"--regid={unit['Group']}", "--init-groups", "--no-new-privs"]
    environ = dict(item.split("=", 1) for item in unit["Environment"].split())
    program = subprocess.Popen(["setpriv", *ids, *drop, *unit["ExecStart"].split()], cwd=unit["WorkingDirectory"],
        env={"PATH": "/usr/local/sbin:/usr/bin:/bin", **environ}, stdin=subprocess.DEVNULL,
        stdout=open("/agent.log", "a"), stderr=subprocess.STDOUT, start_new_session=True)
    open("/run/agent.pid", "w").write(str(program.pid))
"""

BEGIN = """
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
mount --rbind /sys "$1/root/sys"
mount -t proc proc "$1/root/proc"
mount -t tmpfs tmpfs "$1/root/run"
mount -t tmpfs tmpfs "$1/root/tmp"
mkdir "$1/root/tmp/in"
mount --bind "$2" "$1/root/tmp/in"
echo ready
exec sleep 100000
"""


class Machine:
    """A Debian machine: this one's files below, all changes in memory."""

    def __init__(self, folder: Path) -> None:
        mounted, given = folder / "machine", folder / "in"
        mounted.mkdir()
        given.mkdir()
        self.given = given
        command = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "sh",
            "-c",
            BEGIN,
            "sh",
            str(mounted),
            str(given),
        ]
        self._holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != "ready\n":
            _, why = self._holder.communicate()
            pytest.skip(f"no namespace with an overlay here: {why}")
        self._inner = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()[0]
        self._root = mounted / "root"
        shutil.copy(SCRIPT, given / "install.sh")
        self.run("cat > /usr/local/bin/systemctl; chmod 755 /usr/local/bin/systemctl", given=SYSTEMCTL)

    def run(self, command: str, *, given: str = "", lang: str = "C.UTF-8", fails: bool = False) -> str:
        """Run a shell command within, as root; return what it says."""
        environ = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": lang,
            "HOME": "/root",
        }
        kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        enter = ["nsenter", "-t", self._inner, "-m", "-p", "chroot", str(self._root), "sh", "-c", command]
        done = subprocess.run(
            enter, input=given, capture_output=True, text=True, timeout=60, env={**kept, **environ}, check=False
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def close(self) -> None:
        """Everything within ends with its first process."""
        self._holder.kill()
        self._holder.wait()
        for stream in (self._holder.stdout, self._holder.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(HERE)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    if os.geteuid() != 0 or any(shutil.which(name) is None for name in ("unshare", "nsenter", "setpriv")):
        pytest.skip("needs root, unshare, nsenter and setpriv")
    made = Machine(tmp_path)
    yield made
    made.close()


def test_one_command_from_a_bare_machine_to_rows_then_upgrade_then_uninstall(
    machine: Machine, wheel: Path, tmp_path: Path
) -> None:
    shutil.copy(wheel, machine.given / wheel.name)
    server = Server(tmp_path, SystemClock())
    wish = FieldWish("127.0.0.1", free_port(), "localhost")
    broker = start_secured(tmp_path, wish, server.register, SystemClock(), lambda _: None)
    address = BrokerAddress("localhost", wish.port, COLLECTOR, broker.passwords.collector, tmp_path / "broker/ca.crt")
    collector = Collector("main", tmp_path / "collector", address, server.register, server.series, SystemClock())
    collector.start()
    try:
        machine.run("mkdir -p /etc/aldea && cat > /etc/aldea/agent.toml", given=QUIET)
        (machine.given / "release.pub").write_text("who may sign releases")
        trusting = "--release-key /tmp/in/release.pub"
        said = machine.run(f"sh /tmp/in/install.sh /tmp/in/{wheel.name} {trusting}", lang="es_MX.UTF-8")
        assert "falta inscribirlo" in said
        assert " ALDEA_RELEASE_KEY_FILE=/etc/aldea/release-key.pem" in machine.run(f"cat /{UNIT}")
        assert machine.run("stat -c '%U %a' /etc/aldea/release-key.pem").strip() == "root 644"
        assert "restart" not in machine.run("cat /systemctl.log")
        check_unit(machine)
        code = f"--server {server.http.url} --allow-http --code {server.code()}"
        said = machine.run(f"sh /tmp/in/install.sh /tmp/in/{wheel.name} {code}")
        assert "making the user aldea-agent" not in said  # nothing is made twice
        assert "Done. It starts at each boot." in said
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
        begun = ["daemon-reload", "enable aldea-agent.service"]
        assert asked[:5] == [*begun, *begun, "restart aldea-agent.service"]
        assert "disable --now aldea-agent.service" in asked
    finally:
        collector.stop()
        broker.stop()
        server.close()


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
    deadline = time.monotonic() + 20
    while machine.run("grep -c 'measuring isla/agent' /agent.log || true").strip() != "2":
        assert time.monotonic() < deadline, machine.run("cat /agent.log")
        time.sleep(0.2)
    assert machine.run(_STARTS).strip() == "1"


def test_what_cannot_be_installed_changes_nothing(machine: Machine) -> None:
    assert "install.sh uninstall [--keep-data | --remove-data]" in machine.run("sh /tmp/in/install.sh --help")
    said = machine.run("sh /tmp/in/install.sh upgrade", fails=True)
    assert "There is nothing to upgrade" in said
    machine.run("echo broken > /tmp/in/aldea-9-py3-none-any.whl")
    said = machine.run("sh /tmp/in/install.sh /tmp/in/aldea-9-py3-none-any.whl --no-enrol", fails=True)
    assert "nothing was changed" in said
    machine.run(f"test ! -e /opt/aldea-agent/current && test ! -e /{UNIT} && ! ls -d /opt/aldea-agent/venv-*")


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
