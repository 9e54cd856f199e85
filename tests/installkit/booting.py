"""The machine's own systemd, as process 1 of a process and control group namespace: a unit is what systemd makes of it.

Only what would reach beyond the machine is taken out of its start: kernel settings, devices, other services.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from installkit.machine import TIED

if TYPE_CHECKING:
    from installkit.machine import Machine

GROUPS = Path("/sys/fs/cgroup")
PROGRAM = "/usr/lib/systemd/systemd"
_BOOT = """
set -e
root=$1
umount -l "$root/dev" "$root/sys" "$root/proc" "$root/run"
mount -t tmpfs tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    : >"$root/dev/$name" && mount --bind "/dev/$name" "$root/dev/$name"
done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/shm" "$root/dev/pts" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
if [ "$2" = v1 ]; then
    mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
    mkdir "$root/sys/fs/cgroup/systemd"
    mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
else
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
fi
mount -t tmpfs tmpfs "$root/run"
units="$root/usr/lib/systemd/system"
rm -rf "$units"/sysinit.target.wants "$units"/local-fs.target.wants "$units"/timers.target.wants
rm -rf "$units"/multi-user.target.wants
rm -f "$root/usr/local/bin/systemctl"
cd "$root"
# Its root in truth: systemd makes mount namespaces of its own for services.
pivot_root . mnt
umount -l /mnt
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin "$3" --unit=multi-user.target <dev/null
"""
_NUMBERS = itertools.count()


class Booted:
    """A machine that is running its systemd. Its disk is the machine's; a new boot finds what was written."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        named = (GROUPS / "systemd/cgroup.procs").exists()
        groups = GROUPS / "systemd" if named else GROUPS
        sweep(groups)
        self._group = groups / f"aldea-{os.getpid()}-{next(_NUMBERS)}"
        try:
            self._group.mkdir()
        except OSError as error:
            pytest.skip(f"no control group may be made here: {error}")
        inner = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--ipc", "--uts"]
        words = ["sh", "-c", _BOOT, "sh", machine.root, "v1" if named else "v2", PROGRAM]
        joined = ["sh", "-c", 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"', "sh", str(self._group)]
        self._process = subprocess.Popen([*TIED, *joined, *machine.within(*inner, *words)], stdin=subprocess.DEVNULL)
        try:
            self._wait_until_up()
        except BaseException:  # also where somebody has had enough of waiting
            self.unplug()
            raise

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + 180
        while True:
            with suppress(OSError, IndexError):
                found = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()[0]
                if Path(f"/proc/{found}/comm").read_text().strip() == "systemd":
                    self.machine.enters(found)
                    state = self.machine.run("systemctl is-system-running || true").strip()
                    if state in ("running", "degraded"):
                        return
            if self._process.poll() is not None or time.monotonic() > deadline:
                pytest.skip("systemd does not start in namespaces here")
            time.sleep(0.1)

    def shut_down(self) -> None:
        """It is shut down in order: each service is stopped in its turn."""
        self.machine.run("systemctl poweroff --no-block")
        deadline = time.monotonic() + 120
        while self._process.poll() is None:
            assert time.monotonic() < deadline, "it does not go down"
            time.sleep(0.1)
        self.unplug()

    def unplug(self) -> None:
        """Everything on it ends at once."""
        self._process.kill()
        self._process.wait()
        self.machine.enters(None)
        remove_group(self._group)


def remove_group(group: Path) -> None:
    """Remove a control group and those within it, once the last of its processes is gone."""
    folders = [path for path in group.rglob("*") if path.is_dir()]
    for folder in (*reversed(folders), group):
        for _ in range(50):
            try:
                folder.rmdir()
                break
            except OSError:
                time.sleep(0.05)


def sweep(groups: Path) -> None:
    """Remove what test runs that were killed have left."""
    for group in groups.glob("aldea-*-*"):
        if not Path("/proc", group.name.split("-")[1]).exists():
            remove_group(group)
