"""The rule kind `sustained_loss`: too many of a site's pings go unanswered, over a moving window. Pure.

Only the live lane counts: a backlog tells of the past, and so does the first live batch after a silence, which holds
what was measured meanwhile. Where nothing was measured it says nothing, so a site that falls silent neither fires nor
is resolved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aldea.alert_rules.events import LIVE, Batch, Event
from aldea.alert_rules.rule import Look, Place, Reason
from aldea.model.said import Said
from aldea.model.settings import about

MOST_BATCHES = 500
RECENT_RATIO = 2 / 3
"""A batch whose oldest row is older than this share of the window was held back: it is no picture of now."""

Piece = tuple[int, str, str, int, int, int]
"""When, device, epoch, first seq, packets sent, packets answered."""
Pings = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class SustainedLoss:
    """Fires when the share of lost packets to `role` over `window_seconds` stays at or above `loss_ratio`."""

    role: str = field(default="anchor", metadata=about("which ping targets count: their role"))
    loss_ratio: float = field(
        default=0.2, metadata=about("share of lost packets from which it is bad, 0 to 1", minimum=0.001, maximum=1)
    )
    clear_loss_ratio: float = field(
        default=0.1, metadata=about("share below which it is good again, 0 to 1", minimum=0, maximum=1)
    )
    window_seconds: int = field(default=1800, metadata=about("the moving window, s", minimum=60, maximum=86_400))
    minimum_packets: int = field(
        default=20, metadata=about("packets sent in the window, fewer say nothing", minimum=1, maximum=100_000)
    )
    hold_seconds: int = field(
        default=600, metadata=about("time it must stay bad before it fires, s", minimum=0, maximum=604_800)
    )
    clear_hold_seconds: int = field(
        default=900, metadata=about("time it must stay good before it is resolved, s", minimum=0, maximum=86_400)
    )

    def problems(self) -> list[str]:
        """Return what cannot be together."""
        found: list[str] = []
        if self.clear_loss_ratio > self.loss_ratio:
            found.append(
                Said(
                    f"clear_loss_ratio: is {self.clear_loss_ratio:g}, above loss_ratio {self.loss_ratio:g}, so that it "
                    "would be bad and good at once; make it smaller",
                    f"clear_loss_ratio: es {self.clear_loss_ratio:g}, mayor que loss_ratio {self.loss_ratio:g}: "
                    "estaría mal y bien a la vez; hacerlo más chico",
                )
            )
        if not self.role.strip():
            found.append(
                Said(
                    "role: is empty; write the role of the ping targets that count, such as anchor",
                    "role: está vacío; escribir el papel de los destinos de ping que cuentan, como anchor",
                )
            )
        return found

    def start(self) -> Pings:
        """Return the evidence of a site that measured nothing yet."""
        return ()

    def gather(self, evidence: Pings, event: Event) -> Pings:
        """Take a live batch's pings in, once."""
        if not isinstance(event, Batch) or event.lane != LIVE or self.role not in event.ping:
            return evidence
        if event.event_from_ms is not None and event.at_ms - event.event_from_ms > self._recent_ms:
            return evidence
        sent, received = event.ping[self.role]
        at_ms = event.at_ms if event.event_to_ms is None else min(event.event_to_ms, event.at_ms)
        piece: Piece = (at_ms, event.device, event.epoch, event.first_seq, int(sent), int(received))
        if sent <= 0 or piece in evidence:
            return evidence
        pieces = sorted((*evidence, piece))
        oldest = pieces[-1][0] - self.window_seconds * 1000
        return tuple(one for one in pieces if one[0] > oldest)[-MOST_BATCHES:]

    def look(self, evidence: Pings, at_ms: int, place: Place, *, firing: bool) -> Look:
        """Say whether the window's loss is above the limit."""
        del place  # loss is loss wherever it is
        start = at_ms - self.window_seconds * 1000
        within = [one for one in evidence if one[0] > start]
        sent = sum(one[4] for one in within)
        if sent < self.minimum_packets:
            return Look(None, Reason("too_few_packets", {"sent": sent}))
        received = min(sent, sum(one[5] for one in within))
        ratio = (sent - received) / sent
        limit = self.clear_loss_ratio if firing else self.loss_ratio
        bad = ratio > limit if firing and limit == 0 else ratio >= limit
        values = {
            "role": self.role,
            "loss_ratio": round(ratio, 4),
            "sent": sent,
            "received": received,
            "window_seconds": self.window_seconds,
            "limit_ratio": limit,
        }
        again = within[0][0] + self.window_seconds * 1000
        return Look(bad, Reason("loss" if bad else "little_loss", values), again_ms=again)

    @property
    def _recent_ms(self) -> int:
        return round(self.window_seconds * 1000 * RECENT_RATIO)

    def dump(self, evidence: Pings) -> Any:
        """Return the evidence as JSON."""
        return [list(piece) for piece in evidence]

    def load(self, stored: Any) -> Pings:
        """Return the evidence of its JSON."""
        return tuple((int(at), str(d), str(e), int(seq), int(sent), int(got)) for at, d, e, seq, sent, got in stored)
