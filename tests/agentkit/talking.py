"""A conversation without a broker: what the agent says, and what a collector would answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentkit.making import IDENTITY, SERVER_AHEAD_MS, moment, ping
from aldea.agents.uplink import Conversation, Outgoing, Pace
from aldea.model.clock import ClockState, ManualClock
from aldea.model.messages import Ack, Birth, encode_ack, parse_status
from aldea.model.topics import Lane
from aldea.model.wire import decode

if TYPE_CHECKING:
    from aldea.agents.outbox import Outbox
    from aldea.model.wire import Header

FAST = Pace(bulk_bytes_per_second=10**9)


class Story:
    """A conversation with a clock that the test moves, and all that was published so far."""

    def __init__(self, outbox: Outbox, pace: Pace = FAST) -> None:
        self.outbox = outbox
        self.clock = ManualClock(mono_ms=50_000)
        self.state = ClockState.UNSYNCED
        self.talk = Conversation(outbox, IDENTITY, pace)
        self.out: list[Outgoing] = []

    def connect(self, *, hello: bool = True, highest: int = 0) -> list[Outgoing]:
        self.talk.connecting(moment(self.clock, self.state))
        out = self.keep(self.talk.connected(moment(self.clock, self.state)))
        if hello:
            self.clock.advance(200)
            out = self.ack(highest=highest, echo=self.birth().mono_ms)
        return out

    def wait(self, milliseconds: int) -> list[Outgoing]:
        self.clock.advance(milliseconds)
        return self.keep(self.talk.tick(moment(self.clock, self.state)))

    def record(self, rows: int = 1, *, urgent: bool = False, value: int = 3) -> list[Outgoing]:
        self.outbox.append([ping(value)] * rows, self.clock.mono_ms())
        self.talk.recorded(urgent=urgent)
        return self.wait(0)

    def ack(
        self,
        *stored: tuple[int, int],
        echo: int | None = None,
        highest: int = 0,
        epoch: str | None = None,
        rejected: tuple[tuple[int, int, str], ...] = (),
        conflict: tuple[tuple[int, int], ...] = (),
        refused: tuple[tuple[str, str], ...] = (),
    ) -> list[Outgoing]:
        server_ms = self.clock.mono_ms() - 100 + SERVER_AHEAD_MS
        ack = Ack(epoch or self.outbox.epoch, server_ms, echo, highest, stored, rejected, conflict, refused)
        return self.keep(self.talk.received(Lane.ACK, encode_ack(ack), moment(self.clock, self.state)))

    def keep(self, out: list[Outgoing]) -> list[Outgoing]:
        self.out += out
        return out

    def birth(self) -> Birth:
        status = parse_status([item for item in self.out if item.lane is Lane.STATUS][-1].payload)
        assert isinstance(status, Birth)
        return status


def headers(out: list[Outgoing], lane: Lane | None = None) -> list[Header]:
    """The headers of the batches among what was published."""
    batches = [item for item in out if item.lane in (Lane.LIVE, Lane.BULK) and lane in (None, item.lane)]
    return [decode(item.payload)[0] for item in batches]


def spans(out: list[Outgoing], lane: Lane | None = None) -> list[tuple[int, int]]:
    """First and last seq of the batches among what was published."""
    return [(header.first_seq, header.last_seq) for header in headers(out, lane)]
