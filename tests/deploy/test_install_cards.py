"""The installer and the card: full, read-only, full in the middle; and a folder of wheels in place of a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from installkit.machine import nothing_is_there

if TYPE_CHECKING:
    from pathlib import Path

    from installkit.machine import Machine

pytestmark = pytest.mark.timeout(900)

INSTALL = "sh /tmp/in/install.sh"
SPANISH = "es_MX.UTF-8"


def test_a_full_card_is_said_before_anything_is_begun(machine: Machine) -> None:
    machine.run("mount -t tmpfs -o size=100m tmpfs /opt")
    said = machine.run(f"{INSTALL} --no-enrol", fails=True, lang=SPANISH)
    assert "/opt tiene 100 MB libres y hacen falta 200 MB. Nada cambió." in said
    nothing_is_there(machine)


def test_a_card_that_is_full_in_the_middle_leaves_nothing_behind(machine: Machine, wheel: Path) -> None:
    shutil.copy(wheel, machine.given / wheel.name)
    machine.run("mount -t tmpfs -o size=300m,nr_inodes=1500 tmpfs /opt")
    said = machine.run(f"{INSTALL} /tmp/in/{wheel.name} --no-enrol", fails=True)
    assert "It could not be installed; nothing was changed." in said
    assert "/opt/aldea-agent is full." in said
    nothing_is_there(machine)


@pytest.mark.parametrize("place", ["/opt", "/etc", "/var/lib"])
def test_a_read_only_card_is_said_before_anything_is_begun(machine: Machine, place: str) -> None:
    machine.run(f"mount --bind {place} {place} && mount -o remount,bind,ro {place}")
    said = machine.run(f"{INSTALL} --no-enrol", fails=True, lang=SPANISH)
    assert "la tarjeta es de solo lectura. Nada cambió." in said
    assert f"No se puede escribir en {place}" in said
    nothing_is_there(machine)


def test_a_folder_of_wheels_is_all_that_is_needed_without_a_network(machine: Machine, wheel: Path) -> None:
    folder = machine.given / "a stick; of wheels"
    fetched = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--disable-pip-version-check",
        "-d",
        str(folder),
        str(wheel),
    ]
    done = subprocess.run(fetched, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "There is no folder /nowhere." in machine.run(f"{INSTALL} --wheels /nowhere", fails=True)
    cut_off = f"export PIP_RETRIES=0 PIP_INDEX_URL=http://127.0.0.1:9/simple; {INSTALL}"
    said = machine.run(f"{cut_off} --wheels '/tmp/in/{folder.name}' --no-enrol", lang=SPANISH)
    assert "Instalado. Arranca una vez inscrito." in said
    assert "/opt/aldea-agent se guarda en memoria (overlay)" in said
    assert "uso: aldea agent doctor" in machine.run("aldea-agent doctor --help", lang=SPANISH)
