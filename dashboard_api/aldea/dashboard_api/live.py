"""The live stream: one poller follows the register, and every client has a bounded queue of its own."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from aldea.dashboard_api.directory import state_of
from aldea.dashboard_api.instants import iso
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import Clock
from aldea.model.liveness import SiteState
from aldea.storage.register import Register, RegisterError
from aldea.storage.register.feed import FeedEvent, newest_feed_id, read_feed_after_id
from aldea.storage.register.pulses import Pulse, site_pulses

log = logging.getLogger(__name__)

Renew = Callable[[], frozenset[str] | None]
"""Says which sites somebody may see now: None is every one. Called in a thread."""

FEED_CHUNK = 500
REPLAY_LIMIT = 500
"""How many missed events are sent again to a client that returns; one that missed more starts afresh."""
REFRESH_MS = 30_000
"""How often every pulse is read again: sites that were added, renamed or removed."""
RENEW_MS = 60_000
"""How often a client's rights are looked at again: they may have ended since it connected."""
RECHECK_MS = 2_000
"""How often the states are worked out again: silence makes no event."""


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event for the clients. `id` is the feed's, None where time alone is the cause."""

    name: str
    site: str
    data: str
    id: int | None = None

    def encoded(self) -> str:
        """Return the event as the stream carries it."""
        head = "" if self.id is None else f"id: {self.id}\n"
        return f"{head}event: {self.name}\ndata: {self.data}\n\n"


class TooManyClients(Exception):
    """The stream serves as many clients as it may."""


@dataclass(eq=False, slots=True)
class Subscription:
    """One client's place: what it wants, and what waits for it. None in the queue is the end."""

    site: str | None
    position: int
    queue: asyncio.Queue[LiveEvent | None]
    visible: frozenset[str] | None = None
    ended: bool = False

    def wants(self, site: str) -> bool:
        """Whether what happens at a site is for this client: it asked for it, and may see it."""
        return self.site in {None, site} and (self.visible is None or site in self.visible)

    def offer(self, event: LiveEvent) -> bool:
        """Queue an event the client wants; False when it is too slow, which ends it."""
        if self.ended or not self.wants(event.site):
            return True
        if self.queue.full():
            self.end()
            return False
        self.queue.put_nowait(event)
        return True

    def end(self) -> None:
        """Drop what waits and end: the client connects again and says what it had last."""
        self.ended = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


@dataclass(slots=True)
class _Known:
    """What the poller knows; touched by its thread alone while a poll runs."""

    position: int = 0
    pulses: dict[str, tuple[Pulse, SiteState]] = field(default_factory=dict)
    refreshed_ms: int | None = None
    checked_ms: int = 0


class Broadcaster:
    """Follows the register's feed and hands every change to whoever has subscribed."""

    def __init__(self, register: Register, clock: Clock, settings: ApiSettings) -> None:
        self._register = register
        self._clock = clock
        self._settings = settings
        self._known = _Known()
        self._clients: set[Subscription] = set()
        # Up to which feed id clients have been served: a new client's queue begins behind it.
        self._handed = 0
        self._closing = asyncio.Event()
        self._failing = False
        self.dropped = 0

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    async def prime(self) -> None:
        """Take the present as known, before the first client comes."""
        try:
            await asyncio.to_thread(self._poll)
        except RegisterError as error:
            log.warning("the live stream waits for the register: %s", error)
        self._handed = self._known.position

    async def run(self) -> None:
        """Poll until closed; a register that is away is tried again, and said once."""
        while not self._closing.is_set():
            try:
                events = await asyncio.to_thread(self._poll)
                self._failing = False
            except RegisterError as error:
                events = []
                if not self._failing:
                    log.warning("the live stream waits for the register: %s", error)
                self._failing = True
            self._hand_out(events)
            self._handed = self._known.position
            try:
                await asyncio.wait_for(self._closing.wait(), self._settings.poll_seconds)
            except TimeoutError:
                continue

    def close(self) -> None:
        """End every client and the poller. Call it on the loop that runs the app."""
        self._closing.set()
        for client in list(self._clients):
            client.end()

    def subscribe(self, site: str | None, visible: frozenset[str] | None = None) -> Subscription:
        """Give a client its place; it hears of `visible` sites alone (None: every one). Raises TooManyClients."""
        if self._closing.is_set() or len(self._clients) >= self._settings.stream_clients:
            raise TooManyClients
        queue: asyncio.Queue[LiveEvent | None] = asyncio.Queue(max(2, self._settings.stream_queue))
        client = Subscription(site, self._handed, queue, visible)
        self._clients.add(client)
        return client

    async def follow(self, client: Subscription, after: int | None, renew: Renew | None = None) -> AsyncIterator[str]:
        """Yield the stream: what was missed since feed id `after`, then what comes, and a sign of life.

        `renew` is asked every minute which sites the client may still see; the stream ends when it says none.
        """
        renewed_ms = self._clock.mono_ms()
        try:
            yield "retry: 3000\n: connected\n\n"
            if after is not None:
                for event in await asyncio.to_thread(self._missed, client, after):
                    yield event.encoded()
            while True:
                if renew is not None and self._clock.mono_ms() - renewed_ms >= RENEW_MS:
                    renewed_ms = self._clock.mono_ms()
                    if not await asyncio.to_thread(_renewed, client, renew):
                        return
                try:
                    found = await asyncio.wait_for(client.queue.get(), self._settings.heartbeat_seconds)
                except TimeoutError:
                    yield ": alive\n\n"
                    continue
                if found is None:
                    return
                yield found.encoded()
        finally:
            self._clients.discard(client)

    def _hand_out(self, events: Iterable[LiveEvent]) -> None:
        for event in events:
            for client in list(self._clients):
                if not client.offer(event):
                    self.dropped += 1
                    log.warning("a client of the live stream was too slow and was let go")

    def _missed(self, client: Subscription, after: int) -> list[LiveEvent]:
        reset = LiveEvent("reset", client.site or "", "{}", client.position)
        if after > client.position or client.position - after > REPLAY_LIMIT * 20:
            return [reset]
        with self._register.reading() as unit:
            found = read_feed_after_id(unit, after, REPLAY_LIMIT + 1)
        found = tuple(event for event in found if event.id is not None and event.id <= client.position)
        if len(found) > REPLAY_LIMIT:
            return [reset]
        wanted = [event for event in found if client.wants(event.site)]
        events = [_batch(event) for event in wanted if event.kind == "batch"]
        known = self._known.pulses
        sites = dict.fromkeys(event.site for event in wanted)
        return events + [_site(*known[site]) for site in sites if site in known]

    def _poll(self) -> list[LiveEvent]:
        """Read what is new and return what the clients should hear of it."""
        known, now = self._known, self._clock.wall_ms()
        first = known.refreshed_ms is None
        refresh = known.refreshed_ms is None or not 0 <= now - known.refreshed_ms < REFRESH_MS
        with self._register.reading() as unit:
            if first:
                known.position = newest_feed_id(unit)
            feed = read_feed_after_id(unit, known.position, FEED_CHUNK)
            causes = {event.site: event.id for event in feed}
            pulses = site_pulses(unit, sites=None if refresh else list(causes)) if refresh or causes else []
        if refresh:
            known.refreshed_ms = now
            there = {pulse.site for pulse in pulses}
            known.pulses = {site: held for site, held in known.pulses.items() if site in there}
        events = [_batch(event) for event in feed if event.kind == "batch"]
        events += [] if first else self._changes(pulses, causes, now)
        if first:
            known.pulses = {pulse.site: (pulse, state_of(pulse, now)) for pulse in pulses}
        if feed:
            known.position = feed[-1].id or known.position
        return events + self._recheck(now)

    def _changes(self, pulses: Iterable[Pulse], causes: dict[str, int | None], now: int) -> list[LiveEvent]:
        found: list[LiveEvent] = []
        for pulse in pulses:
            state = state_of(pulse, now)
            held = self._known.pulses.get(pulse.site)
            self._known.pulses[pulse.site] = (pulse, state)
            if held is None or held[1] is not state or held[0].last_arrival_ms != pulse.last_arrival_ms:
                found.append(_site(pulse, state, causes.get(pulse.site)))
        return found

    def _recheck(self, now: int) -> list[LiveEvent]:
        known = self._known
        if 0 <= now - known.checked_ms < RECHECK_MS:
            return []
        known.checked_ms = now
        found: list[LiveEvent] = []
        for site, (pulse, held) in list(known.pulses.items()):
            state = state_of(pulse, now)
            if state is not held:
                known.pulses[site] = (pulse, state)
                found.append(_site(pulse, state))
        return found


def _renewed(client: Subscription, renew: Renew) -> bool:
    try:
        client.visible = renew()
    except RegisterError:
        # Away for a moment: what held a minute ago holds until it answers.
        return True
    return client.visible is None or bool(client.visible)


def _batch(event: FeedEvent) -> LiveEvent:
    data = {
        "site": event.site,
        "device": event.device,
        "lane": event.lane,
        "rows": event.rows,
        "arrived": iso(event.arrival_ms),
        "from": iso(event.event_from_ms),
        "to": iso(event.event_to_ms),
    }
    return LiveEvent("batch", event.site, json.dumps(data, separators=(",", ":")), event.id)


def _site(pulse: Pulse, state: SiteState, cause: int | None = None) -> LiveEvent:
    data = {
        "site": pulse.site,
        "name": pulse.name,
        "state": state.value,
        "simulated": pulse.simulated,
        "last_seen": iso(pulse.last_arrival_ms),
    }
    return LiveEvent("site", pulse.site, json.dumps(data, separators=(",", ":")), cause)
