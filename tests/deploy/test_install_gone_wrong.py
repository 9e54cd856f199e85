"""The installer where something is wrong: it says what, changes nothing, and can be run again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from deploy.test_enrolment import QUIET, wait_for_rows
from installkit.headquarters import running_headquarters
from installkit.machine import DATA, HERE, UNIT, nothing_is_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from installkit.machine import Machine

pytestmark = pytest.mark.timeout(900)

INSTALL = "sh /tmp/in/install.sh"
SPANISH = "es_MX.UTF-8"
CURRENT = "readlink /opt/aldea-agent/current"
NO_NETWORK = "PIP_RETRIES=0 PIP_INDEX_URL=http://127.0.0.1:9/simple"
WORDS_SEEN = """#!/bin/sh
printf '%s\\n' "$*" >>/words.log
exec /usr/sbin/runuser "$@"
"""


def test_what_cannot_be_installed_changes_nothing(machine: Machine) -> None:
    assert "install.sh uninstall [--keep-data | --remove-data]" in machine.run(f"{INSTALL} --help")
    said = machine.run(f"{INSTALL} upgrade", fails=True)
    assert "There is nothing to upgrade" in said
    machine.run("echo broken > /tmp/in/aldea-9-py3-none-any.whl")
    said = machine.run(f"{INSTALL} /tmp/in/aldea-9-py3-none-any.whl --no-enrol", fails=True)
    assert "nothing was changed" in said
    said = machine.run(f"{INSTALL} aldea-0.1.0-py3-none-any.whl", fails=True, lang=SPANISH)
    assert "No existe el archivo aldea-0.1.0-py3-none-any.whl." in said
    nothing_is_there(machine)


STRANGE = (
    "umask 0; export PYTHONPATH=/tmp/in/else PYTHONHOME=/nowhere PIP_TARGET=/tmp/in/there PIP_NO_DEPS=1 CDPATH=/tmp "
    "ALDEA_SITE=another ALDEA_LOG_LEVEL=nonsense;"
)
"""What a shell may have been told for other programs."""


def test_a_strange_environment_and_names_with_spaces_make_no_other_installation(machine: Machine, wheel: Path) -> None:
    place = machine.given / "a card; with [$(spaces)]"
    place.mkdir()
    twice = wheel.name.replace(".whl", " (1).whl")  # as a browser calls what it has loaded a second time
    shutil.copy(wheel, place / twice)
    (place / "a key.pub").write_text("who may sign releases")
    machine.run("mkdir -p /tmp/in/else && echo 'raise SystemExit(9)' >/tmp/in/else/sitecustomize.py")
    given = f"'/tmp/in/{place.name}/{twice}' --release-key '/tmp/in/{place.name}/a key.pub' --no-enrol"
    said = machine.run(f"{STRANGE} {INSTALL} {given}")
    assert "Installed. It starts once it is enrolled." in said
    machine.run("test ! -e /tmp/in/there")
    assert machine.run("cat /etc/aldea/release-key.pem") == "who may sign releases"
    agent = "runuser -u aldea-agent -- /opt/aldea-agent/python"
    machine.run(f"cd / && {agent} -c 'import aldea.agents.commands, paho.mqtt.client'")
    machine.run("test ! -e /opt/aldea-agent/current/given")
    others = f"/opt/aldea-agent /etc/aldea /{UNIT} /usr/local/sbin/aldea-agent"
    assert machine.run(f"find {others} ! -type l -perm /022") == "", "root runs it: nobody else may change it"


def test_two_at_once_do_not_meet(machine: Machine) -> None:
    said = machine.run(f"flock /run/aldea-agent-install.lock {INSTALL} --no-enrol", fails=True)
    assert "install.sh is at work here already" in said
    nothing_is_there(machine)


def test_a_machine_without_systemd_is_told_so(machine: Machine) -> None:
    machine.run("rm -f /usr/local/bin/systemctl /usr/bin/systemctl /bin/systemctl")
    assert "Este equipo no tiene systemd." in machine.run(f"{INSTALL} --no-enrol", fails=True, lang=SPANISH)
    nothing_is_there(machine)


def test_a_missing_venv_is_fetched_from_the_system_s_packages(machine: Machine) -> None:
    machine.run("mv /usr/lib/python3*/ensurepip /var/tmp/")
    machine.run("cat > /usr/local/bin/apt-get; chmod 755 /usr/local/bin/apt-get", given="#!/bin/sh\nexit 100\n")
    said = machine.run(f"{INSTALL} --no-enrol", fails=True)
    assert "Python's venv is missing: apt-get install python3-venv" in said
    nothing_is_there(machine)

    brings = '#!/bin/sh\necho "$*" >/asked\nmv /var/tmp/ensurepip $(ls -d /usr/lib/python3.*)/\n'
    machine.run("cat > /usr/local/bin/apt-get", given=brings)
    machine.run("echo broken > /tmp/in/aldea-9-py3-none-any.whl")
    said = machine.run(f"{INSTALL} /tmp/in/aldea-9-py3-none-any.whl --no-enrol", fails=True)
    assert "It could not be installed" in said, "it went on to the package"
    assert machine.run("cat /asked").strip() == "install -y -qq --no-install-recommends python3 python3-venv"


def test_what_is_removed_twice_is_removed_once_and_needs_no_python(machine: Machine) -> None:
    machine.run("mkdir -p /opt/aldea-agent/venv-1/bin /etc/aldea && touch /etc/aldea/agent.toml")
    for _ in range(2):
        assert "Removed." in machine.run(f"PYTHON=none {INSTALL} uninstall --remove-data")
    nothing_is_there(machine)
    machine.run("test ! -e /etc/aldea")


def test_a_bad_day_at_the_site_ends_well(machine: Machine, wheel: Path, tmp_path: Path) -> None:
    shutil.copy(wheel, machine.given / wheel.name)
    install = f"{INSTALL} /tmp/in/{wheel.name}"
    machine.run("cat > /usr/local/sbin/runuser; chmod 755 /usr/local/sbin/runuser", given=WORDS_SEEN)
    with running_headquarters(tmp_path) as server, ExitStack() as stack:
        stack.enter_context(port_8080_taken())
        code = server.code()
        where = f"--server {server.http.url} --allow-http"

        # A code that is not one; all else is done, and an installation that a power cut has ended is swept up.
        machine.run("mkdir -p /opt/aldea-agent/venv-20200101000000-1/bin")
        said = machine.run(f"{install} {where} --code AAAA-AAAA", fails=True, lang=SPANISH)
        assert "no se conoce" in said
        assert "Está instalado, pero no inscrito." in said
        assert "el puerto 8080 está ocupado: la página queda en 80" in said
        assert "restart" not in machine.run("cat /systemctl.log")
        assert len(machine.run("ls -d /opt/aldea-agent/venv-*").split()) == 1
        machine.run(f"grep -q 'port = 80[89]' /etc/aldea/agent.toml && printf '%s' '{QUIET}' >/etc/aldea/agent.toml")

        # The right one, by the installation's own command and by the input: it stands nowhere.
        said = machine.run(f"aldea-agent enrol {where} --code -", given=f"{code}\n", lang=SPANISH)
        assert "Este equipo es isla/agent" in said
        assert wait_for_rows(server.register, "isla"), machine.run("cat /agent.log")
        machine.run(
            f"! grep -rF -e {code} -e {code.replace('-', '')} /words.log /agent.log /etc/aldea /{DATA} /opt/aldea-agent"
        )
        assert "AAAA-AAAA" not in machine.run("cat /words.log")
        assert machine.run(f"find /{DATA} /etc/aldea/agent.toml -type f -perm /o=r") == ""
        running = machine.run(CURRENT)

        # No network, then settings that are wrong: what runs goes on running.
        said = machine.run(f"{NO_NETWORK} {INSTALL} upgrade aldea==99", fails=True)
        assert "nothing was changed" in said
        machine.run("cp /etc/aldea/agent.toml /good && echo 'sample_second = 3' >>/etc/aldea/agent.toml")
        said = machine.run(f"PIP_NO_COMPILE=1 {INSTALL} upgrade /tmp/in/{wheel.name}", fails=True)
        assert "sample_second" in said
        machine.run("cp /good /etc/aldea/agent.toml")
        assert machine.run(CURRENT) == running
        assert len(machine.run("ls -d /opt/aldea-agent/venv-*").split()) == 1

        # A new system has taken the Python away.
        machine.run("systemctl disable; cd /opt/aldea-agent/current/lib && mv python3.* python3.10; : >/agent.log")
        since = len(machine.run("cat /agent.log"))
        machine.run("systemctl restart aldea-agent.service")
        until(machine, lambda: "measuring isla/agent" in machine.run("cat /agent.log")[since:])
        assert "The installation is of python3.10 and the machine has python3." in machine.run("cat /agent.log")
        said = machine.run("aldea-agent doctor 2>&1 || true", lang=SPANISH)
        assert "La instalación es de python3.10 y el equipo tiene python3." in said

        # A new system altogether, with the data and the settings of the one before: its users have other numbers.
        machine.run("systemctl disable; userdel aldea-agent && groupadd --system aldea-agent")
        machine.run(
            f"chown -R 4711:4711 /{DATA} && chgrp 4711 /etc/aldea/agent.toml && chmod 640 /etc/aldea/agent.toml"
        )
        said = machine.run(f"{INSTALL} upgrade /tmp/in/{wheel.name}")
        assert "Done. It starts at each boot." in said
        assert machine.run(f"find /{DATA} ! -user aldea-agent") == ""
        assert "La instalación" not in machine.run("aldea-agent doctor 2>&1 || true", lang=SPANISH)


@contextmanager
def port_8080_taken() -> Iterator[None]:
    """Take the port that the box's page would have; wait for it where somebody else has it for a while.

    Another file's box may, and would give it back just when this one is installed.
    """
    deadline = time.monotonic() + 300
    with ExitStack() as stack:
        while True:
            try:
                stack.enter_context(socket.create_server(("", 8080)))
                break
            except OSError:
                if time.monotonic() > deadline:  # then it is taken for good
                    break
            time.sleep(0.1)
        yield


def until(machine: Machine, look: Callable[[], bool]) -> None:
    """Wait for something on the machine."""
    deadline = time.monotonic() + 180
    while not look():
        assert time.monotonic() < deadline, machine.run("cat /agent.log")
        time.sleep(0.2)


INTERRUPTED = """
import sys, time
from pathlib import Path
from installkit.machine import Machine
machine = Machine(Path(sys.argv[1]))
print(machine._holder.pid, machine._first, flush=True)
time.sleep(100)
"""


def test_a_test_run_that_is_killed_leaves_no_machine_behind(machine: Machine, tmp_path: Path) -> None:
    """Else each would keep its memory for a day."""
    (tmp_path / "other").mkdir()
    command = [sys.executable, "-c", INTERRUPTED, str(tmp_path / "other")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(HERE / "tests")})
    assert run.stdout is not None
    left = [Path("/proc", number) for number in run.stdout.readline().split()]
    assert len(left) == 2
    run.kill()
    run.wait()
    run.stdout.close()
    until(machine, lambda: not any(is_alive(process) for process in left))


def is_alive(process: Path) -> bool:
    """Whether a process is there, and not only waits to be forgotten."""
    with suppress(OSError):
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
