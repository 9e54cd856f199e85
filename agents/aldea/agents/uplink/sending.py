"""Which rows go into the next batch of each lane, and the batch itself."""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aldea.agents.outbox import Held, Outbox
from aldea.agents.uplink.anchors import Anchors, Moment
from aldea.agents.uplink.flight import Flight, Piece, Sent
from aldea.agents.uplink.pace import AnswerTime, Pace, Throttle
from aldea.model.messages import Birth
from aldea.model.topics import Lane
from aldea.model.wire import MAX_MESSAGE_BYTES, Anchor, Header, encode

_LOG = logging.getLogger(__name__)
_DIGEST_DIGITS = 16
_PACKET_OVERHEAD_BYTES = 256  # topic, properties and MQTT's own header


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks, and what it announces at its birth."""

    site: str
    device: str
    version: str
    sample_seconds: int
    send_seconds: int
    sees: Mapping[str, bool] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """This agent's place among all, from 0 to 1: a fleet that was switched on together spreads out by it."""
        return zlib.crc32(f"{self.site}/{self.device}".encode()) / 2**32


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish on one of our lanes."""

    lane: Lane
    payload: bytes
    qos: int
    retain: bool = False


def birth_of(outbox: Outbox, identity: Identity, connection: int, anchor: Anchor | None, at: Moment) -> Birth:
    """Return what the agent announces of itself: who it is, and what its outbox holds."""
    first_seq, last_seq = outbox.bounds()
    return Birth(
        site=identity.site,
        device=identity.device,
        connection=connection,
        epoch=outbox.epoch,
        first_seq=first_seq,
        last_seq=last_seq,
        boot_id=outbox.boot.boot_id,
        boot_no=outbox.boot.number,
        mono_ms=at.mono_ms,
        wall_ms=at.wall_ms,
        clock=at.clock,
        sample_seconds=identity.sample_seconds,
        send_seconds=identity.send_seconds,
        version=identity.version,
        anchor=anchor,
        sees=identity.sees,
    )


class Sender:
    """Takes rows from the outbox into batches and keeps the book of what is under way."""

    def __init__(self, outbox: Outbox, identity: Identity, pace: Pace, anchors: Anchors) -> None:
        self.flight = Flight()
        self.answer_time = AnswerTime(pace)
        self._outbox = outbox
        self._identity = identity
        self._pace = pace
        self._anchors = anchors
        self._throttle = Throttle(pace.bulk_bytes_per_second, pace.batch_bytes)
        self._live_up_to = 0
        self._most_bytes = MAX_MESSAGE_BYTES

    def limit(self, max_packet_bytes: int | None) -> None:
        """Respect the largest packet that the broker takes; None: it has not said."""
        room = 2**31 if max_packet_bytes is None else max(1, max_packet_bytes - _PACKET_OVERHEAD_BYTES)
        self._most_bytes = min(MAX_MESSAGE_BYTES, room)

    def has_room_for_live(self) -> bool:
        """Whether another batch of the newest rows may be under way."""
        return self.flight.count(Lane.LIVE) < self._pace.live_window

    def live(self, at: Moment) -> list[Outgoing]:
        """Return a batch of the newest rows not sent yet, or an empty one as a sign of life. Ask for room first."""
        held = self._outbox.next_live(self._pace.live_rows, self._live_up_to, self.flight.busy())
        if held is None:
            header = self._header(at, self._outbox.epoch, self._outbox.bounds()[1] + 1, 0)
            self._anchors.sent(at.mono_ms)
            return [Outgoing(Lane.LIVE, encode(header, ()), qos=0)]
        self._live_up_to = held.last_seq  # what is older and was left out is the bulk lane's
        packed = self._pack(at, held, newest=True)
        return [] if packed is None else [self._send(Lane.LIVE, at, *packed, tries=0, again=False)]

    def bulk(self, at: Moment) -> list[Outgoing]:
        """Return batches of the backlog, oldest first, as many as its share of the link allows now."""
        out: list[Outgoing] = []
        while self.flight.count(Lane.BULK) < self._pace.bulk_window and self._throttle.ready(at.mono_ms):
            piece = self._next_again()
            held = self._next_old() if piece is None else self._rows_of(piece)
            if held is None and piece is None:
                break
            packed = None if held is None else self._pack(at, held, newest=False)
            if packed is None:
                continue
            rest_from = packed[1].last_seq + 1
            if piece is not None and rest_from <= piece.last_seq:
                self.flight.again.appendleft(replace(piece, first_seq=rest_from))
            tries = 0 if piece is None else piece.tries
            out.append(self._send(Lane.BULK, at, *packed, tries=tries, again=piece is not None))
            self._throttle.spend(len(packed[0]))
        return out

    def _next_old(self) -> Held | None:
        return self._outbox.next_bulk(self._pace.bulk_rows, self._live_up_to, self.flight.busy())

    def _next_again(self) -> Piece | None:
        """Take what is to be sent again, but leave one place to what was never sent."""
        under_way = sum(item.again for item in self.flight.sent)
        if not self.flight.again or under_way >= max(1, self._pace.bulk_window - 1):
            return None
        return self.flight.again.popleft()

    def _rows_of(self, piece: Piece) -> Held | None:
        return self._outbox.between(piece.epoch, piece.first_seq, piece.last_seq, self._pace.bulk_rows)

    def _pack(self, at: Moment, held: Held, *, newest: bool) -> tuple[bytes, Held] | None:
        """Encode as many of the rows as fit; None when a single one can't be sent and was put away."""
        while True:
            alone = len(held.rows) == 1
            try:
                header = self._header(at, held.epoch, held.first_seq, len(held.rows), held)
                payload = encode(header, held.rows)
            except ValueError as error:
                reason, payload = "unsendable", b""
                if alone:
                    _LOG.error("row %d cannot be sent: %s", held.first_seq, error)
            else:
                reason = "too_large" if len(payload) > self._most_bytes else ""
            if not reason and (alone or len(payload) <= self._pace.batch_bytes):
                return payload, held
            if alone:
                self._outbox.reject(held.epoch, held.first_seq, held.last_seq, reason, tell=True)
                return None
            half = len(held.rows) // 2
            held = replace(held, rows=held.rows[-half:] if newest else held.rows[:half])

    def _header(self, at: Moment, epoch: str, first_seq: int, rows: int, held: Held | None = None) -> Header:
        boot = self._outbox.boot if held is None else held.boot
        return Header(
            site=self._identity.site,
            device=self._identity.device,
            epoch=epoch,
            first_seq=first_seq,
            rows=rows,
            boot_id=boot.boot_id,
            boot_no=boot.number,
            sent_mono_ms=at.mono_ms,
            sent_wall_ms=at.wall_ms,
            clock=at.clock,
            anchor=boot.anchor,
            past=boot.boot_id != self._outbox.boot.boot_id,
        )

    def _send(self, lane: Lane, at: Moment, payload: bytes, held: Held, *, tries: int, again: bool) -> Outgoing:
        self._anchors.sent(at.mono_ms)
        self.flight.sent.append(
            Sent(
                lane=lane,
                epoch=held.epoch,
                first_seq=held.first_seq,
                last_seq=held.last_seq,
                tries=tries,
                again=again,
                digest=hashlib.sha256(payload).hexdigest()[:_DIGEST_DIGITS],
                sent_mono_ms=at.mono_ms,
                due_mono_ms=at.mono_ms + self.answer_time.wait_ms(tries),
            )
        )
        return Outgoing(lane, payload, qos=0 if lane is Lane.LIVE else 1)
