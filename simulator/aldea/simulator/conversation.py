"""One simulated agent's side of the delivery protocol (docs/delivery.md), without any input or output.

A village's rows can be made again at any time, so it needs no outbox. What takes its place is a rule: rows go out
strictly in order of seq, one batch at a time. Then what the collector has is always a beginning of the rows,
and the highest seq in its hello is all that has to be known to go on after a restart.
"""

from __future__ import annotations

import hashlib

from aldea.model.messages import Ack
from aldea.model.topics import Lane
from aldea.simulator.boots import Boot
from aldea.simulator.flight import InFlight, Outgoing, Phase, Trouble
from aldea.simulator.village import Piece, Village
from aldea.simulator.voice import Voice

BATCH_ROWS = 2_000
LIVE_ROWS = 40
"""With more rows than this waiting a village is behind, and they go by the bulk lane, at once."""

NEWEST_ROWS = 6
"""So many of the newest rows are left for the live lane: it is by this lane that a village is known to live."""

ANSWER_MS = 15_000
PATIENCE_MS = 600_000
SPLIT_AFTER = 5
AFTER_ROUND_MS = 3_000
KEEPALIVE_MS = 600_000
WILL_AFTER_MS = KEEPALIVE_MS * 3 // 2
"""How long a broker waits for a silent client before it speaks its last will."""


class Conversation:
    """What one village says and hears. All times are milliseconds since 1970."""

    def __init__(self, village: Village, send_ms: int) -> None:
        self.village = village
        self.phase = Phase.AWAY
        self.acked = 0
        self.trouble = Trouble()
        self._voice = Voice(village, send_ms)
        self._send_ms = send_ms
        self._cut = False
        self._birth_ms = 0
        self._births = 0
        self._born = False
        self._greeted_mono_ms = 0
        self._in_flight: InFlight | None = None
        self._limit = BATCH_ROWS
        self._quiet_until_ms = 0
        self._say_time = False
        self._wants_room = False

    @property
    def sending_bulk(self) -> bool:
        """Whether a backlog's batch is waiting for its answer."""
        return self._in_flight is not None and self._in_flight.lane is Lane.BULK

    def horizon(self, now_ms: int) -> int:
        """Return until when rows can have got through: now, or when the village was cut off."""
        since = self.village.unheard_since(now_ms)
        return now_ms if since is None else since

    def target(self, now_ms: int) -> int:
        """Return the seq up to which everything can be delivered by now."""
        return self.village.last_seq(self.horizon(now_ms))

    def broker_came(self) -> None:
        """Take in that the connection to the broker is new: greet again, trust no answer from before."""
        self.phase = Phase.AWAY
        self._in_flight = None
        self._cut = self._wants_room = False

    def step(self, now_ms: int, *, room: bool) -> list[Outgoing]:
        """Return what is to be published now. `room` says whether another bulk batch may be put on its way."""
        if self._wants_room and not room:
            return []
        since = self.village.unheard_since(now_ms)
        if since is None and self._cut:
            self.broker_came()
        self._cut = since is not None
        if self.phase is Phase.TALKING and self._in_flight is not None:
            return self._repeat(now_ms)
        if self.phase is Phase.TALKING and since is None and now_ms < self._quiet_until_ms:
            return self._tell_time(now_ms)
        boots = self.village.boots(now_ms if since is None else since)
        if boots and self.phase is Phase.TALKING:
            return self._send(boots[-1], now_ms, since, room=room)
        gone = since is not None and self._births > 0
        if not boots or (gone and self.acked >= boots[-1].last_seq):
            return []
        return self._greet(boots[-1], now_ms, present=since is None)

    def stop(self) -> list[Outgoing]:
        """Return what an agent says when it is stopped in order."""
        spoke = self.phase is not Phase.AWAY and self._born
        self.phase = Phase.AWAY
        return [self._voice.will("stopped")] if spoke else []

    def hear(self, ack: Ack, now_ms: int) -> None:
        """Take in an acknowledgement that arrived at `now_ms`. One of another epoch is not ours.

        What could not be read at all is refused without an epoch, since the collector didn't get to see it.
        """
        if self.phase is Phase.AWAY or ack.epoch not in ("", self.village.epoch):
            return
        self._learn_time(ack, now_ms)
        bare = not (ack.stored or ack.rejected or ack.conflict or ack.refused)
        echoes_birth = ack.echo_mono_ms == self._greeted_mono_ms
        if (bare and echoes_birth) or (self.phase is Phase.GREETING and ack.epoch and (bare or echoes_birth)):
            self._greeted(ack.highest_seq)
        elif self.phase is Phase.TALKING:
            self._settle(ack)

    def _greeted(self, highest_seq: int) -> None:
        """Go on from what the collector knows. A second hello says that it has begun anew: then all goes again."""
        self.phase, self.acked = Phase.TALKING, highest_seq
        self._in_flight = None
        self._quiet_until_ms = 0

    # -------------------------------------------------------------------------------------- speaking

    def _greet(self, boot: Boot, now_ms: int, *, present: bool) -> list[Outgoing]:
        """Ask what the collector knows: by a birth, or for a village that is away by an empty batch.

        Its rows are brought in for it, as from the disk of a box that is dead: it must not look as if it lived.
        """
        if self.phase is Phase.AWAY:
            self.phase = Phase.GREETING
            self._births = 0
            self._voice.connect(now_ms)
        elif now_ms < self._birth_ms + min(ANSWER_MS << (self._births - 1), PATIENCE_MS):
            return []
        self._births += 1
        self._birth_ms = now_ms
        self._greeted_mono_ms = max(now_ms - boot.start_ms, 0)
        self._born = present
        if not present:
            return [self._empty(boot, Lane.BULK, now_ms)]
        return [self._voice.birth(boot, self.acked + 1, self._greeted_mono_ms, now_ms)]

    def _send(self, boot: Boot, now_ms: int, since: int | None, *, room: bool) -> list[Outgoing]:
        """Send the oldest rows that the collector has not got; speak the last will when there are none to come."""
        waiting = boot.last_seq - self.acked
        if waiting <= 0:
            self._quiet_until_ms = self._tick_after(now_ms)
            if since is not None and now_ms >= since + WILL_AFTER_MS:
                self.phase = Phase.AWAY
                return [self._voice.will("lost")] if self._born else []
            return []
        lane = Lane.BULK if waiting > LIVE_ROWS or since is not None else Lane.LIVE
        self._wants_room = lane is Lane.BULK and not room
        if self._wants_room:
            return []
        most = self._limit
        if lane is Lane.BULK and since is None:
            most = min(most, waiting - NEWEST_ROWS)
        piece = self.village.piece(self.acked + 1, now_ms if since is None else since, most)
        if piece is None:
            return []
        if piece.last_seq == boot.last_seq:
            self.village.forget()
            self._quiet_until_ms = self._tick_after(now_ms)
        self._in_flight = InFlight(piece, lane, "", now_ms, attempts=0)
        return self._put(now_ms)

    def _repeat(self, now_ms: int) -> list[Outgoing]:
        flight = self._in_flight
        assert flight is not None
        if now_ms < flight.sent_ms + min(ANSWER_MS << (flight.attempts - 1), PATIENCE_MS):
            return []
        if flight.attempts % SPLIT_AFTER == 0 and flight.piece.rows > 1:
            self._split(flight)
            return []
        return self._put(now_ms)

    def _put(self, now_ms: int) -> list[Outgoing]:
        flight = self._in_flight
        assert flight is not None
        self._say_time = False
        message = self._voice.rows(flight.piece, flight.lane, now_ms)
        flight.attempts += 1
        flight.sent_ms = now_ms
        flight.digest = hashlib.sha256(message.payload).hexdigest()[:16]
        return [message]

    def _tell_time(self, now_ms: int) -> list[Outgoing]:
        """Send an empty live batch when a boot has just learned the time and has no rows to say it with."""
        if not self._say_time:
            return []
        self._say_time = False
        return [self._empty(self.village.boots(now_ms)[-1], Lane.LIVE, now_ms)]

    def _empty(self, boot: Boot, lane: Lane, now_ms: int) -> Outgoing:
        return self._voice.rows(Piece(boot, self.acked + 1, 0, ()), lane, now_ms)

    def _tick_after(self, now_ms: int) -> int:
        """Return the village's next moment to send: shortly after a round, each village after its own."""
        first = self.village.plan.start_ms + self.village.phase_ms + AFTER_ROUND_MS
        return first + ((now_ms - first) // self._send_ms + 1) * self._send_ms

    # --------------------------------------------------------------------------------------- hearing

    def _settle(self, ack: Ack) -> None:
        flight = self._in_flight
        if flight is None:
            return
        if any(digest == flight.digest for digest, _ in ack.refused):
            if flight.piece.rows == 1:
                self.trouble.refused += 1
                self._done(flight)
            else:
                self._split(flight)
            return
        ranges = [*ack.stored, *ack.conflict, *((first, last) for first, last, _ in ack.rejected)]
        self.trouble.rejected += sum(last - first + 1 for first, last, _ in ack.rejected)
        self.trouble.conflict += sum(last - first + 1 for first, last in ack.conflict)
        for first, last in ranges:
            flight.settled.add(first, last)
        if not flight.settled.missing(flight.piece.first_seq, flight.piece.last_seq):
            self._done(flight)

    def _done(self, flight: InFlight) -> None:
        self.acked = flight.piece.last_seq
        self._limit = min(self._limit * 2, BATCH_ROWS)
        self._in_flight = None

    def _split(self, flight: InFlight) -> None:
        self._limit = max(flight.piece.rows // 2, 1)
        self._quiet_until_ms = 0
        self._in_flight = None

    def _learn_time(self, ack: Ack, now_ms: int) -> None:
        """Take the server's time from the answer to this greeting, for a boot that still runs."""
        boots = self.village.boots(now_ms)
        if not boots or boots[-1].end_ms is not None or ack.echo_mono_ms != self._greeted_mono_ms:
            return
        if self._voice.learn_time(boots[-1], ack, now_ms):
            self._say_time = True
