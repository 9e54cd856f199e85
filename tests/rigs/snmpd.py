"""A real snmpd (Net-SNMP) that shows this machine's system and interface tables."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Self

from rigs.processes import LOOPBACK, ServerProcess, find_program, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# GetRequest, request id 1, of sysUpTime.0 (1.3.6.1.2.1.1.3.0).
_GET_UPTIME = bytes.fromhex("a019020101020100020100300e300c06082b060102010103000500")


class Snmpd:
    """SNMP v2c over UDP on a free port of loopback; `extra` are lines for its configuration."""

    def __init__(self, folder: Path, community: str = "public", extra: Sequence[str] = ()) -> None:
        program = find_program("snmpd", "snmpd")
        folder.mkdir(parents=True, exist_ok=True)
        self.host = LOOPBACK
        self.port = free_port(socket.SOCK_DGRAM)
        self.community = community
        config = folder / "snmpd.conf"
        lines = [
            f"agentaddress udp:{LOOPBACK}:{self.port}",
            f"rocommunity {community} {LOOPBACK}",
            "sysName test-router",
            "sysLocation test bench",
            "sysContact nobody",
            *extra,
        ]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.process = ServerProcess(
            "snmpd",
            [program, "-f", "-Lo", "-C", "-c", str(config)],
            folder / "snmpd.log",
            # Its own notes, and the MIB texts it need not read, stay out of the system's folders.
            environment={"SNMP_PERSISTENT_DIR": str(folder), "SNMPCONFPATH": str(folder), "MIBS": ""},
        )

    def start(self) -> Self:
        """Start it and wait until it answers for sysUpTime."""
        self.process.start(self.answers)
        return self

    def stop(self) -> None:
        """End it: the router is off."""
        self.process.stop()

    def answers(self) -> bool:
        """Tell whether it answers a v2c request."""
        community = self.community.encode()
        inner = b"\x02\x01\x01\x04" + bytes([len(community)]) + community + _GET_UPTIME
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(0.2)
            try:
                client.connect((self.host, self.port))
                client.send(b"\x30" + bytes([len(inner)]) + inner)
                return bool(client.recv(1500))
            except OSError:
                return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
