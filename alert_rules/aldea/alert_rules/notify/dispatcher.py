"""Takes what is due out of the outbox and has it sent: at least once to the provider, once a key in the log.

A step claims in one transaction, sends without any, and writes the outcome in another. A crash between the
provider's yes and that commit leaves the claim; when it has run out, the message is sent again with the same key:
one repeat for each crash at most, and never a loss.
"""

from __future__ import annotations

import logging
import random
import uuid
from concurrent.futures import Future, ThreadPoolExecutor, wait

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.escalation import escalate
from aldea.alert_rules.notify.messages import Message, Writer
from aldea.alert_rules.notify.packing import pack, retold
from aldea.alert_rules.notify.planning import HOUR_MS, MINUTE_MS, Limits, make_plan
from aldea.alert_rules.notify.sending import Outcome, Parcel, Sender, SendFailure
from aldea.alert_rules.settings import AlertSettings
from aldea.model.clock import Clock
from aldea.storage.register import Register, RegisterError, RegisterUnavailableError, Unit
from aldea.storage.register import notification_queue as queue
from aldea.storage.register.contacts import mark_verified
from aldea.storage.register.liveness_marks import NOTIFIER, mark_alive

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 20.0, 900.0
PATIENCE_SECONDS = 1.0
"""How long a step waits for its own messages; slower providers are looked at in the next one."""
MARK_EVERY_MS = 10_000
UPKEEP_EVERY_MS = 60_000
DAY_MS = 86_400_000


class Dispatcher:
    """Sends what waits. `step` is called again and again by one thread; `close` ends it in order."""

    def __init__(
        self,
        register: Register,
        clock: Clock,
        sender: Sender,
        settings: AlertSettings,
        chance: random.Random | None = None,
    ) -> None:
        self._register = register
        self._clock = clock
        self._sender = sender
        self._settings = settings
        self._limits = Limits(settings.messages_per_hour, settings.join_from)
        self._writer = Writer(settings.pages_url)
        self._announcer = Announcer(settings, self._writer)
        self._chance = chance or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._pool = ThreadPoolExecutor(settings.senders, "notify")
        self._flying: dict[Future[Outcome], Parcel] = {}
        # The provider has answered, the register has not: written down as soon as it does.
        self._answered: list[tuple[Parcel, Outcome]] = []
        self._lease_ms = round(settings.send_timeout_seconds * 6_000) + 2 * MINUTE_MS
        self._steps = 0
        self._marked_ms = self._upkeep_ms = -UPKEEP_EVERY_MS

    def step(self) -> bool:
        """Do what is due now and say whether anything was; False also when the register does not answer."""
        now = self._clock.wall_ms()
        try:
            settled = self._settle()
            self._look_after(now)
            parcels = self._claim(now)
        except RegisterUnavailableError as error:
            log.warning("notifications wait: %s", error)
            return False
        for parcel in parcels:
            self._flying[self._pool.submit(self._send, parcel)] = parcel
        if self._flying:
            wait(self._flying, PATIENCE_SECONDS)
            try:
                settled |= self._settle()
            except RegisterUnavailableError as error:
                log.warning("what was sent is written down later: %s", error)
        return settled or bool(parcels)

    def close(self) -> None:
        """Let what is on its way arrive, and write it down."""
        self._pool.shutdown(wait=True)
        try:
            self._settle()
        except RegisterError as error:
            log.warning("what was sent last may be sent once more: %s", error)

    def _look_after(self, now: int) -> None:
        """Leave a sign of life; now and then expire, escalate and trim."""
        self._steps += 1
        if now - self._marked_ms < MARK_EVERY_MS:
            return
        with self._register.transaction() as unit:
            mark_alive(unit, NOTIFIER, now, now)
            if now - self._upkeep_ms >= UPKEEP_EVERY_MS:
                escalate(unit, self._announcer, now)
                queue.trim_notifications(unit, now - self._settings.keep_days * DAY_MS)
                self._upkeep_ms = now
        self._marked_ms = now

    def _claim(self, now: int) -> list[Parcel]:
        free = self._settings.senders - len(self._flying)
        if free <= 0 or self._answered:
            return []
        with self._register.reading() as unit:
            if not queue.anything_to_do(unit, now):
                return []
        parcels: list[Parcel] = []
        with self._register.transaction() as unit:
            if expired := queue.expire(unit, now):
                log.warning("%d notifications could not be sent in time and have expired", expired)
            for contact in queue.due_contacts(unit, now, free):
                parcel = self._prepared(unit, contact, now)
                if parcel is not None:
                    parcels.append(parcel)
        return parcels

    def _prepared(self, unit: Unit, contact: int, now: int) -> Parcel | None:
        """Carry out the plan for one contact point and return the message that leaves, already claimed."""
        point, waiting = queue.lock_queue(unit, contact, now)
        if point is None or not point.enabled:
            reason = SendFailure.CONTACT_REMOVED if point is None else SendFailure.CONTACT_OFF
            text = Outcome(reason, "the contact point was removed or switched off before it was sent").written
            queue.note_failed(unit, [item.id for item in waiting], text, now)
            return None
        since = now - (MINUTE_MS if point.kind == "webhook" else HOUR_MS)
        plan = make_plan(waiting, point, now, queue.recent_sends(unit, contact, since), self._limits)
        message = uuid.uuid4().hex
        texts: dict[int, Message] = {}
        for end, others in plan.collapsed.items():
            queue.note_collapsed(unit, others, now)
            kept = next(item for item in waiting if item.id == end)
            if (again := retold(kept, self._writer)) is not None:
                queue.rewrite(unit, end, again.subject, again.body, again.short)
                texts[end] = again
        for ids, until in plan.hold:
            queue.hold(unit, ids, until)
        if not plan.send:
            return None
        queue.claim(unit, [item.id for item in plan.send], message, now + self._lease_ms)
        return pack(plan.send, texts, point, message, self._writer)

    def _send(self, parcel: Parcel) -> Outcome:
        try:
            return self._sender.send(parcel)
        # A library's surprise must not end the sending of others.
        except Exception as error:
            log.error("sending to contact point %d failed", parcel.contact.id, exc_info=error)
            return Outcome(SendFailure.CRASHED, f"the program failed ({type(error).__name__}): see the server's log")

    def _settle(self) -> bool:
        """Write down what providers have answered; what can't be written now stays to be written."""
        for future in [one for one in self._flying if one.done()]:
            self._answered.append((self._flying.pop(future), future.result()))
        settled = False
        while self._answered:
            parcel, outcome = self._answered[0]
            with self._register.transaction() as unit:
                self._decide(unit, parcel, outcome, self._clock.wall_ms())
            del self._answered[0]
            settled = True
        return settled

    def _decide(self, unit: Unit, parcel: Parcel, outcome: Outcome, now: int) -> None:
        if outcome.failure is None:
            queue.note_sent(unit, parcel.ids, parcel.message, now)
            if parcel.is_test:
                mark_verified(unit, parcel.contact.id, now)
            return
        log.warning("contact point %d (%s): %s", parcel.contact.id, parcel.contact.kind, outcome.written)
        if outcome.permanent or parcel.is_test:
            queue.note_failed(unit, parcel.ids, outcome.written, now)
            return
        next_ms = now + round(1000 * max(outcome.retry_after_seconds, self._delay(parcel.attempts)))
        queue.try_again(unit, parcel.ids, parcel.message, next_ms, outcome.written)
        queue.hold_queue(unit, parcel.contact.id, next_ms)

    def _delay(self, attempts: int) -> float:
        """Return the seconds until the next attempt: doubled each time, up to a quarter of an hour, spread out."""
        doubled = FIRST_RETRY_SECONDS * 2.0 ** min(attempts, 10)
        return min(LAST_RETRY_SECONDS, doubled) * self._chance.uniform(0.75, 1.25)
