"""snmpsim: plays recordings of whole devices, by community, from a folder of .snmprec files."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rigs.processes import LOOPBACK, RigError, ServerProcess, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

HOME = Path(sys.prefix) / "snmpsim"
"""An environment of its own: beside pysnmp, snmpsim's libraries would be loaded into the agent."""

_GET_UPTIME = bytes.fromhex("a019020101020100020100300e300c06082b060102010103000500")


def find_snmpsim() -> Path:
    """Return the program. Raises RigError when it is not installed."""
    program = HOME / "bin/snmpsim-command-responder"
    if not program.exists():
        raise RigError(
            f"snmpsim is not installed: run make test, or {sys.executable} -m venv {HOME}"
            f" && {HOME}/bin/pip install snmpsim snmpsim-data cryptography"
        )
    return program


def recorded(name: str) -> Path:
    """Return a recording of the package snmpsim-data, such as `UPS/eaton-93e-80.snmprec.bz2`. Raises RigError."""
    find_snmpsim()
    for found in HOME.glob(f"lib/python*/site-packages/snmpsim_data/data/{name}"):
        return found
    raise RigError(f"snmpsim-data has no {name}: {HOME}/bin/pip install snmpsim-data")


class Snmpsim:
    """One engine for each folder, each at a port of its own on loopback."""

    def __init__(self, work: Path, folders: Sequence[Path]) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self.host = LOOPBACK
        self.ports = [free_port(socket.SOCK_DGRAM) for _ in folders]
        self._probed = [min(folder.glob("*.snmprec")).stem for folder in folders]
        command = [str(find_snmpsim()), "--cache-dir", str(work / "cache"), "--log-level=error"]
        command += ["--process-user=root", "--process-group=root"] if _is_root() else []
        for folder, port in zip(folders, self.ports, strict=True):
            command += ["--v3-engine-id=auto", "--data-dir", str(folder)]
            command += [f"--agent-udpv4-endpoint={LOOPBACK}:{port}"]
        self.process = ServerProcess("snmpsim", command, work / "snmpsim.log")

    def start(self) -> Self:
        """Start it and wait until every engine answers."""
        self.process.start(self.answers)
        return self

    def stop(self) -> None:
        """End it."""
        self.process.stop()

    def answers(self) -> bool:
        """Tell whether every engine answers for sysUpTime."""
        return all(_answers(port, name) for port, name in zip(self.ports, self._probed, strict=True))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _is_root() -> bool:
    return os.geteuid() == 0


def _answers(port: int, community: str) -> bool:
    name = community.encode()
    inner = b"\x02\x01\x01\x04" + bytes([len(name)]) + name + _GET_UPTIME
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.3)
        try:
            client.connect((LOOPBACK, port))
            client.send(b"\x30" + bytes([len(inner)]) + inner)
            return bool(client.recv(1500))
        except OSError:
            return False
