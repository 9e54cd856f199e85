"""What was found, before anybody judges it. None: not looked at yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aldea.agents.checkup.folder import FolderError
from aldea.agents.own_network import is_own_address
from aldea.model.sample import Reading

Readings = Sequence[Reading]
_NOT_ASKED = frozenset({"permission_denied", "not_available", "dns_failed"})


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface of the box: whether a cable (or a Wi-Fi) gives it a signal."""

    name: str
    has_signal: bool
    is_wifi: bool


@dataclass(frozen=True, slots=True)
class Network:
    """The box's interfaces, and the one that leads to the router. `gateway` is None on a point-to-point link."""

    interfaces: tuple[Interface, ...]
    route: str | None
    gateway: str | None


@dataclass(frozen=True, slots=True)
class Box:
    """The machine itself: its reading, what is wrong with its data folder, and whether its supply is too weak.

    `can_be_copied`: nothing of the hardware tells this machine from another with a copy of its disk. `trouble`: why the
    agent that runs cannot record what it measures, None where it can or none is asked.
    """

    host: Reading
    folder_error: FolderError | None
    undervoltage: bool
    knows_time: bool
    can_be_copied: bool = False
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class BrokerAnswer:
    """What the server's broker said. `failure` is a word for why it was not reached; `accepted` None: it said nothing.

    `asked` False: it could not be asked, and `said` is why.
    """

    where: str
    failure: str | None = None
    accepted: bool | None = None
    said: str = ""
    asked: bool = True


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The enrolment in the data folder: its sentence, and what is wrong with its files; `missing`: there is none."""

    sentence: str
    error: str | None = None
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Delivering:
    """What the running agent itself hears: connected to the broker, and for how long nobody behind it has answered."""

    online: bool
    unanswered_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that was looked at in one go. `anchor_silent_ms`: for how long no anchor has answered, as recorded.

    `router_is_mute`: by the records it has never answered an echo, while the Internet behind it did.
    """

    power: Readings | None = None
    box: Box | None = None
    network: Network | None = None
    ping: Readings | None = None
    devices: Readings | None = None
    dns: Readings | None = None
    http: Readings | None = None
    broker: BrokerAnswer | None = None
    enrolled: Enrolled | None = None
    delivering: Delivering | None = None
    anchor_silent_ms: int | None = None
    router_is_mute: bool = False

    def pings(self, role: str) -> list[Reading]:
        """Return the echoes to the gateway or to the anchors, without those that the box itself could not ask."""
        asked = (reading for reading in self.ping or () if reading.fields.get("failure") not in _NOT_ASKED)
        return [reading for reading in asked if reading.tags.get("role") == role]

    @property
    def silent_beyond(self) -> bool:
        """Whether somebody beyond the router was asked, in a way that needs no names, and nobody answered."""
        pages = [str(reading.fields.get("failure")) for reading in self.http or ()]
        asked = self.pings("anchor") or any(not failure.startswith("dns_") for failure in pages)
        return bool(asked) and not self.beyond and not self.portal

    @property
    def beyond(self) -> bool:
        """Whether anything beyond the router answered."""
        anchors = any(reading.fields.get("received") for reading in self.pings("anchor"))
        pages = any(reading.fields.get("failure") is None for reading in self.http or ())
        return anchors or pages or self._broker_answers

    @property
    def portal(self) -> bool:
        """Whether a page of the provider came in a page's place: then the way to the provider is in order."""
        return any(reading.fields.get("failure") == "captive_portal" for reading in self.http or ())

    @property
    def _broker_answers(self) -> bool:
        broker = self.broker
        return broker is not None and broker.asked and broker.failure is None and not is_near(broker.where)

    @property
    def is_whole(self) -> bool:
        """Whether everything that tells of the way out is in."""
        return self.ping is not None and self.http is not None and self.broker is not None


def is_near(where: str) -> bool:
    """Say whether `host:port` is plainly on this machine or network, so that reaching it proves no link."""
    host = where.rpartition(":")[0].strip("[]").lower()
    return is_own_address(host) or host == "localhost" or host.endswith((".local", ".lan"))
