"""The agent's side of the conversation in docs/delivery.md: what happened in, what to publish out.

No socket, no thread, no clock: each method gets the moment and returns what is to be published now, so that
every rule can be tried without a broker. Rows come from the outbox and leave it here, and nowhere else.
"""

from __future__ import annotations

import logging

from aldea.agents.outbox import Outbox
from aldea.agents.uplink.anchors import Anchors, Moment
from aldea.agents.uplink.commanding import Take, hand_over, nobody
from aldea.agents.uplink.greeting import Greeting
from aldea.agents.uplink.pace import Pace
from aldea.agents.uplink.sending import Identity, Outgoing, Sender, birth_of
from aldea.model.messages import Ack, Will, encode_status, parse_ack
from aldea.model.topics import Lane
from aldea.model.wire import Rejected

_LOG = logging.getLogger(__name__)


class Conversation:
    """Decides what is said when. Its methods are called from one thread.

    Two rules beyond the written ones. When nothing at all was heard since an overdue batch was sent, nobody is
    listening: then births are repeated, with growing pauses, and no batch is spent until a hello comes. And a
    second hello in a connection means that the collector has started again, so what is under way goes again: at
    once, or, where it may have answered the same birth twice, when it was not answered after all.
    `commands` gets each command that comes; it returns at once.
    """

    def __init__(self, outbox: Outbox, identity: Identity, pace: Pace | None = None, commands: Take = nobody) -> None:
        self._outbox = outbox
        self._commands = commands
        self._identity = identity
        self._pace = pace or Pace()
        self._online = False
        self._connection = 0
        self._max_packet_bytes: int | None = None
        self._heard_ms = 0
        self._urgent = self._fresh = self._is_placed = False
        self._urgent_allowed_ms = 0
        self._greeting = Greeting(self._pace, identity.share)
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        """Start over with what the outbox holds now: at the start, and when its epoch is another."""
        self._epoch = self._outbox.epoch
        self._anchors = Anchors(self._outbox.boot.anchor)
        self._sender = Sender(self._outbox, self._identity, self._pace, self._anchors)
        self._sender.limit(self._max_packet_bytes)
        self._flight = self._sender.flight
        self._live_due_ms = 0
        self._stored_up_to = 0
        self._await_hello(0)

    def _await_hello(self, mono_ms: int) -> None:
        self._greeting.wait(mono_ms)
        self._birth_overdue = False

    # -- what happens

    @property
    def heard_ms(self) -> int | None:
        """When the collector answered last, since boot; None: not since the start."""
        return self._heard_ms or None

    @property
    def listening(self) -> bool:
        """Whether the collector has said hello in this connection."""
        return self._online and self._greeting.hello_ms is not None

    def connecting(self, at: Moment) -> Will:
        """Begin a connection; return the will it leaves with the broker."""
        self._connection = self._outbox.next_connection(at.wall_ms)
        return Will(self._identity.site, self._identity.device, self._connection, "lost")

    def connected(self, at: Moment, max_packet_bytes: int | None = None) -> list[Outgoing]:
        """Go on from here: the broker has taken the connection and the subscriptions."""
        self._online = True
        self._max_packet_bytes = max_packet_bytes
        self._sender.limit(max_packet_bytes)
        self._await_hello(at.mono_ms)
        return self.tick(at)

    def disconnected(self) -> None:
        """Note that the connection is gone: what was under way is unanswered."""
        self._online = False
        self._greeting.hello_ms = None
        for item in list(self._flight.sent):
            self._flight.requeue(item, unanswered=True)

    def recorded(self, *, urgent: bool, asked: bool = False) -> None:
        """Note that rows were recorded; `urgent` when they tell of a change of state, `asked` when a person waits."""
        self._fresh = True
        self._urgent = self._urgent or urgent or asked
        if asked:
            self._urgent_allowed_ms = 0

    def received(self, lane: Lane, payload: bytes, at: Moment) -> list[Outgoing]:
        """Take a message that came for us."""
        if lane is not Lane.ACK:
            hand_over(payload, self._commands)
            return []
        try:
            ack = parse_ack(payload)
        except Rejected as error:
            _LOG.warning("an acknowledgement cannot be read: %s", error)
            return []
        self._take_ack(ack, at)
        return self.tick(at)

    def tick(self, at: Moment) -> list[Outgoing]:
        """Let time pass: at least once a second, connected or not, since a boot may learn its time unheard."""
        if self._outbox.epoch != self._epoch:
            self._begin_epoch()
        if self._choose_anchor(at):
            self._is_placed = True
        if not self._online:
            return []
        if self._greeting.hello_ms is not None:
            self._give_up_waiting(at)
        if self._greeting.hello_ms is None:
            return self._birth(at) if self._greeting.is_due(at.mono_ms) else []
        out = self._birth(at) if self._birth_overdue else []
        # Where the lane is full, what is due stays due: an answer that somebody waits for is the next to go.
        if self._sender.has_room_for_live() and self._live_is_due(at):
            self._live_due_ms = at.mono_ms + self._pace.send_interval_ms
            self._urgent = self._fresh = self._is_placed = False
            out += self._sender.live(at)
        return out + self._sender.bulk(at)

    def farewell(self) -> list[Outgoing]:
        """Return the agent's own last word, in place of the will, since it stops in order."""
        if not self._online:
            return []
        will = Will(self._identity.site, self._identity.device, self._connection, "stopped")
        return [Outgoing(Lane.STATUS, encode_status(will), qos=1, retain=True)]

    def _choose_anchor(self, at: Moment) -> bool:
        """Return whether this boot knows the time from now on."""
        had_none = self._anchors.chosen is None
        if not self._anchors.choose(at):
            return False
        self._outbox.set_anchor(self._anchors.chosen)
        return had_none and self._anchors.chosen is not None

    def _live_is_due(self, at: Moment) -> bool:
        """Say whether to send now: with the rows just recorded rather than shortly before the next ones."""
        if self._is_placed:
            return True
        if self._urgent and at.mono_ms >= self._urgent_allowed_ms:
            self._urgent_allowed_ms = at.mono_ms + self._pace.change_gap_ms
            return True
        cycle_ms = self._identity.sample_seconds * 1000
        early = min(cycle_ms, self._pace.send_interval_ms) // 2
        if self._fresh and at.mono_ms >= self._live_due_ms - early:
            return True
        return at.mono_ms >= self._live_due_ms + (cycle_ms if self._live_due_ms > 0 else 0)

    # -- birth and hello

    def _birth(self, at: Moment) -> list[Outgoing]:
        self._birth_overdue = False
        self._greeting.sent(at.mono_ms)
        self._anchors.sent(at.mono_ms)
        birth = birth_of(self._outbox, self._identity, self._connection, self._anchors.chosen, at)
        return [Outgoing(Lane.STATUS, encode_status(birth), qos=1, retain=True)]

    def _take_hello(self, ack: Ack, at: Moment) -> None:
        _, last_seq = self._outbox.bounds()
        if ack.highest_seq > last_seq:
            _LOG.warning(
                "the server knows seq %d of epoch %s and this outbox has given %d: it was restored from an old "
                "copy, so a new epoch begins",
                ack.highest_seq,
                ack.epoch,
                last_seq,
            )
            self._outbox.move_to_new_epoch()
            self._begin_epoch()
            return
        if ack.highest_seq < self._stored_up_to:
            # Its journal is a new one: it does not know that the rows it has no trace of are not ours to send.
            self._birth_overdue = True
            self._stored_up_to = ack.highest_seq
        is_first = self._greeting.hello_ms is None
        has_started_again = self._greeting.answered(at.mono_ms, self._sender.answer_time.usual_ms)
        if is_first:
            # Before any row of an earlier boot is sent; a minute more or less does not matter here.
            self._outbox.forget_wrong_anchors(ack.server_ms - at.mono_ms)
            self._live_due_ms = 0
        elif has_started_again:
            self._send_again(at.mono_ms)

    def _send_again(self, until_ms: int) -> None:
        """Send again at once what went by then and is unanswered: whom it went to is not there any more."""
        for item in [item for item in self._flight.sent if item.sent_mono_ms <= until_ms]:
            self._flight.requeue(item, unanswered=False)

    # -- acknowledgements

    def _take_ack(self, ack: Ack, at: Moment) -> None:
        self._anchors.heard(ack.echo_mono_ms, ack.server_ms, at)
        self._heard_ms = at.mono_ms
        self._take_refused(ack)
        bare = not any((ack.stored, ack.rejected, ack.conflict, ack.refused))
        # A collector that answers several messages at once answers the birth among them; one that has started
        # again answers the birth that the broker kept.
        answers_birth = ack.echo_mono_ms == self._greeting.birth_sent_ms or (bare and not self.listening)
        if ack.epoch == self._outbox.epoch and answers_birth:
            self._take_hello(ack, at)
        for item in self._flight.sent:
            if item.sent_mono_ms == ack.echo_mono_ms:
                self._sender.answer_time.measured(at.mono_ms - item.sent_mono_ms)
        stored = self._flight.answer(ack.epoch, ack.stored)
        self._outbox.acknowledge(ack.epoch, stored)
        if stored and ack.epoch == self._epoch:
            self._stored_up_to = max(self._stored_up_to, *(last for _, last in stored))
        for first, last, reason in ack.rejected:
            self._bury(ack.epoch, first, last, reason)
        for first, last in ack.conflict:
            self._bury(ack.epoch, first, last, "conflict")

    def _bury(self, epoch: str, first: int, last: int, reason: str, *, tell: bool = False) -> None:
        for part in self._flight.answer(epoch, [(first, last)]):
            _LOG.warning("the server refused seqs %d to %d of epoch %s: %s", *part, epoch, reason)
            self._outbox.reject(epoch, *part, reason, tell=tell)

    def _take_refused(self, ack: Ack) -> None:
        for digest, reason in ack.refused:
            item = self._flight.by_digest(digest)
            if item is None:
                continue
            if item.last_seq > item.first_seq:
                self._flight.split(item)
            else:
                self._bury(item.epoch, item.first_seq, item.last_seq, reason, tell=True)

    def _give_up_waiting(self, at: Moment) -> None:
        unheard_since_ms = self._greeting.unheard_since(at.mono_ms)
        if unheard_since_ms is not None:
            self._send_again(unheard_since_ms)
        for item in self._flight.overdue(at.mono_ms):
            if self._heard_ms <= item.sent_mono_ms:
                self._await_hello(at.mono_ms)
            self._flight.requeue(item, unanswered=True)
