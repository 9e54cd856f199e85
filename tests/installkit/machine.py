"""A real Debian root: an overlay over this machine's own, in mount and process namespaces of its own.

Until it is booted (`installkit.booting`), the service manager is played, by a script that does what the written unit
says: it starts the unit's command as the unit's user with the unit's capabilities, and writes down what it was asked.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

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
        umask=int(unit["UMask"], 8),
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
mkdir -p "$1/root/run/systemd/system"
mount -t tmpfs tmpfs "$1/root/tmp"
mkdir "$1/root/tmp/in"
mount --bind "$2" "$1/root/tmp/in"
echo ready
exec sleep 100000
"""


TIED = ("setpriv", "--pdeathsig", "KILL")
"""What begins so ends with the test run, also where that is killed."""


class Machine:
    """A Debian machine: this one's files below, all changes in memory."""

    def __init__(self, folder: Path) -> None:
        mounted, given = folder / "machine", folder / "in"
        mounted.mkdir()
        given.mkdir()
        self.given = given
        command = [
            *TIED,
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
        self._first = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children").read_text().split()[0]
        self._inner = self._first
        self.root = self._top = str(mounted / "root")
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
        enter = ["nsenter", "-t", self._inner, "-m", "-p", "-C", "chroot", self._top, "sh", "-c", command]
        done = subprocess.run(
            enter, input=given, capture_output=True, text=True, timeout=600, env={**kept, **environ}, check=False
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def within(self, *words: str) -> list[str]:
        """Return a command that runs in the machine's own mounts, with this machine's root."""
        return ["nsenter", "-t", self._first, "-m", *words]

    def enters(self, process: str | None) -> None:
        """Run what is run from now on beside another process; None: beside the machine's first, as in the beginning."""
        self._inner = process or self._first
        self._top = "/" if process else self.root

    def close(self) -> None:
        """Everything within ends with its first process."""
        self._holder.kill()
        self._holder.wait()
        for stream in (self._holder.stdout, self._holder.stderr):
            if stream is not None:
                stream.close()


def nothing_is_there(machine: Machine) -> None:
    """Nothing is left of an installation."""
    machine.run(f"test ! -e /opt/aldea-agent/current && test ! -e /{UNIT} && ! id aldea-agent")
    machine.run("! ls -d /opt/aldea-agent/venv-*")
