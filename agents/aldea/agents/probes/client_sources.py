"""Where connected devices can be read: the access point's station list, or the leases that a router gave.

Addresses are returned as bytes and go no further than the day's counter: nothing here writes them anywhere, nor puts
them into an error.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aldea.model.failures import Failure

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.agents.probe_settings import ClientSource

COMMANDS = {
    "hostapd": ("hostapd_cli", "-i", "{interface}", "list_sta"),
    "iw": ("iw", "dev", "{interface}", "station", "dump"),
}
FILES = {"dnsmasq": "var/lib/misc/dnsmasq.leases", "odhcpd": "tmp/odhcpd.leases"}
COMMAND_SECONDS = 10.0
_ADDRESS = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)
_ENDS = re.compile(r"-?[0-9]{1,12}")
_MOST_BYTES = 1_000_000


class SourceFailed(Exception):
    """A source could not be read; carries the word alone, never what was read."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Sighting:
    """Devices that are connected, and those that hold a lease with its end in seconds since 1970 (0: no end)."""

    present: frozenset[bytes] = frozenset()
    leases: dict[bytes, int] = field(default_factory=dict)


async def look(source: ClientSource, root: Path, now_ms: int) -> Sighting:
    """Read one source. Raises SourceFailed."""
    if source.kind in COMMANDS:
        said = await _output([part.format(interface=source.interface) for part in COMMANDS[source.kind]])
        return parse_stations(said) if source.kind == "iw" else parse_hostapd(said)
    path = source.file if source.file is not None else root / FILES[source.kind]
    try:
        text = _head(path)
    except PermissionError:
        raise SourceFailed(Failure.PERMISSION_DENIED) from None
    except OSError:
        raise SourceFailed(Failure.NOT_AVAILABLE) from None
    parse = parse_dnsmasq if source.kind == "dnsmasq" else parse_odhcpd
    return parse(text, now_ms // 1000)


def _head(path: Path) -> str:
    """Return the beginning of a plain file. Raises OSError for any other: a pipe or a device may never answer."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    with os.fdopen(number, encoding="utf-8", errors="replace") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise FileNotFoundError(errno.ENOENT, "not a plain file")
        return file.read(_MOST_BYTES)


def parse_hostapd(text: str) -> Sighting:
    """Read `hostapd_cli list_sta`, an address a line. Raises SourceFailed for anything else.

    The program ends well whatever it was answered: of a command that it does not know, of a refusal and of a hostapd
    that hangs it tells in words alone, which are nobody's absence.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not all(_ADDRESS.fullmatch(line) for line in lines):
        raise SourceFailed(Failure.READ_TIMEOUT if "timed out" in text else Failure.NOT_AVAILABLE)
    return Sighting(frozenset(map(_bytes, lines)))


def parse_stations(text: str) -> Sighting:
    """Read `iw … station dump`: `Station <address> (on …)`, then what is known of it, a line each.

    Who is not authorized has not given the password (yet), and is not connected.
    """
    found: set[bytes] = set()
    station = b""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["Station"] and len(words) > 1 and _ADDRESS.fullmatch(words[1]):
            station = _bytes(words[1])
            found.add(station)
        elif words == ["authorized:", "no"]:
            found.discard(station)
    return Sighting(frozenset(found))


def parse_dnsmasq(text: str, now_seconds: int) -> Sighting:
    """Read dnsmasq's leases: `<end> <address> <ip> <name> <client id>` a line; an end of 0 is none."""
    leases: dict[bytes, int] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and _ENDS.fullmatch(words[0]) and _ADDRESS.fullmatch(words[1]):
            _keep(leases, _bytes(words[1]), int(words[0]), now_seconds)
    return Sighting(leases=leases)


def parse_odhcpd(text: str, now_seconds: int) -> Sighting:
    """Read odhcpd's leases: `# <interface> <address or DUID, hex> <ipv4 or iaid> <name> <end> …` a line.

    An end of -1 is none, one of 0 is over: not as dnsmasq has it.
    A DUID of a link-layer kind ends in the device's address (RFC 8415, 11.2 and 11.4); others say nothing of it.
    """
    leases: dict[bytes, int] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 6 and words[0] == "#" and _ENDS.fullmatch(words[5]):
            address, ends = _from_hex(words[2]), int(words[5])
            if address is not None and ends != 0:
                _keep(leases, address, max(0, ends), now_seconds)
    return Sighting(leases=leases)


def _keep(leases: dict[bytes, int], address: bytes, ends: int, now_seconds: int) -> None:
    if ends == 0 or ends > now_seconds:
        leases[address] = max(ends, leases.get(address, 0))


def _from_hex(text: str) -> bytes | None:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        return None
    if len(raw) == 6:
        return raw
    # Hardware type 1 is Ethernet; kind 1 carries a time before the address, kind 3 does not.
    lengths = {b"\x00\x01\x00\x01": 14, b"\x00\x03\x00\x01": 10}
    return raw[-6:] if lengths.get(raw[:4]) == len(raw) else None


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address.replace(":", ""))


async def _output(command: list[str]) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except PermissionError:
        raise SourceFailed(Failure.PERMISSION_DENIED) from None
    except OSError:
        raise SourceFailed(Failure.NOT_AVAILABLE) from None
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        raise SourceFailed(Failure.READ_TIMEOUT) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise SourceFailed(Failure.NOT_AVAILABLE)
    return said[:_MOST_BYTES].decode("utf-8", "replace")
