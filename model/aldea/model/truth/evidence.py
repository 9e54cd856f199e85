"""What an agent's rows say, gathered by slots. Any order and any portions of the same rows gather to the same."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field

from aldea.model.truth.slots import SLOT_MS


@dataclass(slots=True)
class SlotEvidence:
    """What was measured in one slot: sums, so that it may be gathered in any order.

    `anchors`: packets sent and received by anchor. `gateway_lost_route`: how often there was no way out of the
    box at all. `web_tries`, `web_answers`: web pages and public name servers. `portal`: how often a provider's
    page came in a page's place. `rows`: rows of any kind, so zero means silence.
    """

    anchors: dict[str, tuple[int, int]] = field(default_factory=dict)
    gateway_sent: int = 0
    gateway_received: int = 0
    gateway_lost_route: int = 0
    web_tries: int = 0
    web_answers: int = 0
    portal: int = 0
    rows: int = 0

    def best_anchor(self) -> tuple[int, int] | None:
        """Return (sent, received) of the anchor that lost least, None when none was asked.

        One anchor's own trouble is not the village's. An anchor that could not even be asked counts as lost.
        """
        if not self.anchors:
            return None
        if len(self.anchors) == 1:
            return next(iter(self.anchors.values()))
        return min(self.anchors.values(), key=lambda pair: (loss_ratio(*pair), -pair[0]))


def loss_ratio(sent: int, received: int) -> float:
    """Return lost over sent packets, 1 where none could be sent. One division, so that 20 of 100 are 0.2."""
    return (sent - received) / sent if sent else 1.0


class Tally:
    """Gathers rows into slots. Times are milliseconds since 1970."""

    def __init__(self) -> None:
        self._slots: dict[int, SlotEvidence] = {}

    def at(self, slot: int) -> SlotEvidence | None:
        """Return a slot's evidence (slots count five minutes since 1970), None when nothing was measured."""
        return self._slots.get(slot)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._slots))

    def add_anchor(self, at_ms: int, target: str, sent: int, received: int) -> None:
        """Take in packets to an anchor; none sent means that it could not be asked."""
        slot = self._slot(at_ms)
        before = slot.anchors.get(target, (0, 0))
        slot.anchors[target] = (before[0] + sent, before[1] + received)
        slot.rows += 1

    def add_gateway(self, at_ms: int, sent: int, received: int, *, lost_route: int = 0) -> None:
        """Take in packets to the gateway, or that there was no route at all."""
        slot = self._slot(at_ms)
        slot.gateway_sent += sent
        slot.gateway_received += received
        slot.gateway_lost_route += lost_route
        slot.rows += 1

    def add_web(self, at_ms: int, tries: int, answers: int, *, portal: int = 0) -> None:
        """Take in tries at web pages or public name servers, and how many were answered by who was asked."""
        slot = self._slot(at_ms)
        slot.web_tries += tries
        slot.web_answers += answers
        slot.portal += portal
        slot.rows += 1

    def add_other(self, at_ms: int) -> None:
        """Take in that the agent was at work."""
        self._slot(at_ms).rows += 1

    def _slot(self, at_ms: int) -> SlotEvidence:
        number = at_ms // SLOT_MS
        found = self._slots.get(number)
        if found is None:
            found = self._slots[number] = SlotEvidence()
        return found


def is_public_server(server: str) -> bool:
    """Say whether a name server's answer proves the way out: one in the village may answer from memory."""
    host = server.removeprefix("[").partition("]")[0] if server.startswith("[") else server
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False
