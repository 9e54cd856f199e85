"""Network namespaces of our own: machines that share nothing but the cables we lay. Needs root, and iproute2."""

from __future__ import annotations

import ctypes
import os
import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, ParamSpec, Self, TypeVar

from rigs.processes import RigError, find_program

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")
_CLONE_NEWNET = 0x40000000
_ETHERNET_BYTES = 14


class Counters(NamedTuple):
    """What one interface has sent and received, without Ethernet's own headers: IP, TCP and what they carry."""

    tx_bytes: int
    tx_packets: int
    rx_bytes: int
    rx_packets: int

    def since(self, before: Counters) -> Counters:
        """Return the difference."""
        return Counters(*(now - then for now, then in zip(self, before, strict=True)))

    @property
    def total_bytes(self) -> int:
        """Both directions."""
        return self.tx_bytes + self.rx_bytes


def ip(*words: str) -> None:
    """Run `ip`. Raises RigError with its words."""
    done = subprocess.run([find_program("ip", "iproute2"), *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RigError(f"ip {' '.join(words)}: {done.stderr.strip()} (network namespaces need root)")


def sweep() -> list[str]:
    """Remove namespaces of runs that are over without having cleaned up (killed); return their names."""
    left = []
    for path in Path("/var/run/netns").glob("aldea-*-*"):
        owner = path.name.rpartition("-")[2]
        if owner.isdigit() and not Path("/proc", owner).exists():
            try:
                ip("netns", "del", path.name)
            except RigError:
                if path.exists():
                    raise
                continue  # another run was quicker
            left.append(path.name)
    return left


class Namespace:
    """A namespace, and one thread that lives in it: what is started from that thread lives there too."""

    def __init__(self, name: str) -> None:
        self.name = f"aldea-{name}-{secrets.token_hex(2)}-{os.getpid()}"
        if os.geteuid() != 0:
            raise RigError("network namespaces need root")
        ip("netns", "add", self.name)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name, initializer=_enter, initargs=(self.name,))
        self.ip("link", "set", "lo", "up")

    def call(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Run a function in the namespace's thread and return what it returns."""
        return self._thread.submit(function, *args, **options).result()

    def run(self, *words: str, told: str = "") -> str:
        """Run a program here, `told` on its input; return what it prints. Raises RigError with its words."""
        done = self.call(subprocess.run, list(words), input=told, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RigError(f"{' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def write(self, path: str, text: str) -> None:
        """Write one of the kernel's settings, such as `net/ipv4/ip_forward`."""
        self.call(Path("/proc/sys", path).write_text, text, encoding="ascii")

    def ip(self, *words: str) -> None:
        """Run `ip` in the namespace."""
        ip("-n", self.name, *words)

    def command(self, *words: str) -> list[str]:
        """Return a command that runs in the namespace."""
        return [find_program("ip", "iproute2"), "netns", "exec", self.name, *words]

    def counters(self, interface: str) -> Counters:
        """Return an interface's counters."""
        text = self.call(Path("/proc/thread-self/net/dev").read_text)
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{interface}:"))
        numbers = [int(word) for word in line.split(":")[1].split()]
        rx_bytes, rx_packets, tx_bytes, tx_packets = numbers[0], numbers[1], numbers[8], numbers[9]
        return Counters(
            tx_bytes - _ETHERNET_BYTES * tx_packets, tx_packets, rx_bytes - _ETHERNET_BYTES * rx_packets, rx_packets
        )

    def close(self) -> None:
        """End the thread and remove the namespace; what still runs in it must have been stopped."""
        self._thread.shutdown()
        ip("netns", "del", self.name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def cable(
    one: Namespace,
    name: str,
    address: str,
    other: Namespace,
    other_name: str,
    other_address: str,
    *,
    arp: bool = False,
) -> None:
    """Lay a cable between two namespaces (addresses as 192.0.2.1/30). No IPv6.

    Who is who is known, so that there is no chatter; with `arp` the ends find each other as on a real cable.
    """
    ip("link", "add", name, "netns", one.name, "type", "veth", "peer", "name", other_name, "netns", other.name)
    for place, interface, own in ((one, name, address), (other, other_name, other_address)):
        place.call(_no_ipv6, interface)
        place.ip("address", "add", own, "dev", interface)
        place.ip("link", "set", interface, "up")
    if arp:
        return
    for place, interface, peer in (
        (one, name, (other, other_name, other_address)),
        (other, other_name, (one, name, address)),
    ):
        mac = peer[0].call(_mac, peer[1])
        place.ip("neighbour", "replace", peer[2].split("/")[0], "lladdr", mac, "dev", interface, "nud", "permanent")


def _mac(interface: str) -> str:
    done = subprocess.run(
        [find_program("ip", "iproute2"), "-o", "link", "show", interface], capture_output=True, text=True, check=True
    )
    words = done.stdout.split()
    return words[words.index("link/ether") + 1]


def _no_ipv6(interface: str) -> None:
    path = Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6")
    if path.exists():
        path.write_text("1", encoding="ascii")


def _enter(name: str) -> None:
    """Move this thread, and nothing else, into a namespace (setns(2); Python names it from 3.12 on)."""
    with Path(f"/var/run/netns/{name}").open("rb") as handle:
        library = ctypes.CDLL(None, use_errno=True)
        if library.setns(handle.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
