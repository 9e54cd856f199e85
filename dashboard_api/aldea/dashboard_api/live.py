"""The live stream: one poller follows the register, and every client has a bounded queue of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from aldea.dashboard_api.directory import state_of
from aldea.dashboard_api.live_events import (
    LiveEvent,
    Subscription,
    TooManyClients,
    batch_event,
    incident_event,
    site_event,
)
from aldea.dashboard_api.settings import ApiSettings
from aldea.model.clock import Clock
from aldea.model.liveness import SiteState
from aldea.storage.register import Register, RegisterError
from aldea.storage.register.feed import newest_feed_id, read_feed_after_id
from aldea.storage.register.incident_feed import incidents_changed, newest_incident_event, open_real_incidents
from aldea.storage.register.incidents import Incident
from aldea.storage.register.pulses import Pulse, site_pulses
from aldea.storage.register.register import Unit

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
INCIDENT_CHUNK = 100
"""How many incidents a look tells of; of more at once the newest."""
RECHECK_MS = 2_000
"""How often the states are worked out again: silence makes no event."""


@dataclass(slots=True)
class _Known:
    """What the poller knows; touched by its thread alone while a poll runs."""

    position: int = 0
    pulses: dict[str, tuple[Pulse, SiteState]] = field(default_factory=dict)
    refreshed_ms: int | None = None
    checked_ms: int = 0
    incident_event: int | None = None
    open_real: tuple[Incident, ...] = ()


__all__ = ["Broadcaster", "LiveEvent", "Subscription", "TooManyClients"]


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

    @property
    def open_real(self) -> tuple[Incident, ...]:
        """The incidents of real sites and of the platform that were open at the last look."""
        return self._known.open_real

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
        events = [batch_event(event) for event in wanted if event.kind == "batch"]
        known = self._known.pulses
        sites = dict.fromkeys(event.site for event in wanted)
        return events + [site_event(*known[site]) for site in sites if site in known]

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
            incidents = self._incidents(unit, refresh=refresh)
        if refresh:
            known.refreshed_ms = now
            there = {pulse.site for pulse in pulses}
            known.pulses = {site: held for site, held in known.pulses.items() if site in there}
        events = [batch_event(event) for event in feed if event.kind == "batch"]
        events += [] if first else self._changes(pulses, causes, now)
        if first:
            known.pulses = {pulse.site: (pulse, state_of(pulse, now)) for pulse in pulses}
        if feed:
            known.position = feed[-1].id or known.position
        return events + self._recheck(now) + incidents

    def _incidents(self, unit: Unit, *, refresh: bool) -> list[LiveEvent]:
        """Return an event for each incident into whose timeline something was written since the last look."""
        known, newest = self._known, newest_incident_event(unit)
        before = known.incident_event
        if before == newest and not refresh:
            return []
        known.incident_event = newest
        known.open_real = open_real_incidents(unit)
        if before is None or before >= newest:
            return []
        changed = incidents_changed(unit, before, INCIDENT_CHUNK)
        return [incident_event(one, known.open_real) for one in changed]

    def _changes(self, pulses: Iterable[Pulse], causes: dict[str, int | None], now: int) -> list[LiveEvent]:
        found: list[LiveEvent] = []
        for pulse in pulses:
            state = state_of(pulse, now)
            held = self._known.pulses.get(pulse.site)
            self._known.pulses[pulse.site] = (pulse, state)
            if held is None or held[1] is not state or held[0].last_arrival_ms != pulse.last_arrival_ms:
                found.append(site_event(pulse, state, causes.get(pulse.site)))
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
                found.append(site_event(pulse, state))
        return found


def _renewed(client: Subscription, renew: Renew) -> bool:
    try:
        client.visible = renew()
    except RegisterError:
        # Away for a moment: what held a minute ago holds until it answers.
        return True
    return client.visible is None or bool(client.visible)
