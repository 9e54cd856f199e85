"""The village's router: gateway with NAT, name server, and SNMP, whose uptime begins anew when it is restarted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labkit.names import BOX, NAME_SERVER, ROUTER
from labkit.serving import Forwarder, serve
from labkit.time_travel import in_its_time
from rigs.processes import RigError, ServerProcess, find_program

if TYPE_CHECKING:
    from contextlib import ExitStack

    from labkit.namespaces import Namespace
    from labkit.time_travel import LabClock

DAY_SECONDS = 86_400
_NAT = """\
table ip nat {
  chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
}
"""


class Router:
    """A namespace that routes. Restarting it restarts its SNMP in a time of its own; its counters are the kernel's."""

    def __init__(self, place: Namespace, folder: Path, clock: LabClock, stack: ExitStack) -> None:
        self.place = place
        self._clock = clock
        self._folder = folder
        (folder / "notes").mkdir(parents=True)
        self.began = clock.began(3 * DAY_SECONDS)
        place.write("net/ipv4/ip_forward", "1")
        place.run(find_program("nft", "nftables"), "-f", "-", told=_NAT)
        self._forwarders: list[Forwarder] = []
        serve(stack, place, self._forwarder)
        config = folder / "snmpd.conf"
        config.write_text(f"agentaddress udp:{ROUTER}:161\nrocommunity public {BOX}\nsysName village-router\n")
        self._snmpd: ServerProcess | None = None
        stack.callback(self.stop_snmp)
        self.start_snmp()

    @property
    def names(self) -> Forwarder:
        """Its name server."""
        return self._forwarders[0]

    def _forwarder(self) -> Forwarder:
        self._forwarders.append(Forwarder(ROUTER, NAME_SERVER))
        return self._forwarders[0]

    def start_snmp(self) -> None:
        """Start what tells of it, by the lab's time since the router began. Raises RigError."""
        program = [find_program("snmpd", "snmpd"), "-f", "-Lo", "-C", "-c", str(self._folder / "snmpd.conf")]
        self._snmpd = ServerProcess(
            "snmpd",
            [*in_its_time(self._clock.offset_for(self.began)), *program],
            self._folder / "snmpd.log",
            # Its own notes have the name of its configuration: they get a folder of their own.
            environment={"SNMP_PERSISTENT_DIR": str(self._folder / "notes"), "SNMPCONFPATH": "", "MIBS": ""},
        )
        self.place.call(self._snmpd.start, self._listens)

    def stop_snmp(self) -> None:
        """Stop it."""
        if self._snmpd is not None:
            self._snmpd.kill()
            self._snmpd = None

    def in_the_lab_s_time(self) -> None:
        """Let it have the lab's time, after time was let pass."""
        self.stop_snmp()
        self.start_snmp()

    @property
    def uptime_seconds(self) -> float:
        """How long it has been running, by the lab's time."""
        return self._clock.mono_ms() / 1000 - self.began

    def restart(self) -> None:
        """Let the router begin now."""
        self.began = self._clock.began(1)
        self.in_the_lab_s_time()

    def _listens(self) -> bool:
        if self._snmpd is None:
            raise RigError("snmpd was stopped")
        # Asked in the namespace's own thread, so not through `place`.
        lines = Path("/proc/thread-self/net/udp").read_text(encoding="ascii").splitlines()[1:]
        return any(line.split()[1].endswith(":00A1") for line in lines)
