"""What the live stream says, and one client's place in it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from aldea.dashboard_api.incident_view import may_see, sites_of
from aldea.dashboard_api.instants import iso
from aldea.model.liveness import SiteState
from aldea.storage.register.feed import FeedEvent
from aldea.storage.register.incidents import Incident
from aldea.storage.register.pulses import Pulse


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event for the clients. `id` is the feed's, None where time alone is the cause."""

    name: str
    site: str
    data: str
    id: int | None = None

    def seen_by(self, client: Subscription) -> LiveEvent | None:
        """Return the event as it is for a client, None where it is not for this one."""
        return self if client.wants(self.site) else None

    def encoded(self) -> str:
        """Return the event as the stream carries it."""
        head = "" if self.id is None else f"id: {self.id}\n"
        return f"{head}event: {self.name}\ndata: {self.data}\n\n"


@dataclass(frozen=True, slots=True)
class IncidentEvent(LiveEvent):
    """An incident has changed. Each client is told of as many open ones as it may see."""

    incident: Incident | None = None
    still_open: tuple[Incident, ...] = ()

    def seen_by(self, client: Subscription) -> LiveEvent | None:
        """Return the event for a client that may see the incident, and follows all sites or one that it concerns."""
        one = self.incident
        if one is None or not may_see(one, client.visible) or client.site not in {None, *sites_of(one)}:
            return None
        many = sum(may_see(other, client.visible) for other in self.still_open)
        data = json.loads(self.data) | {"open": many}
        return LiveEvent(self.name, self.site, json.dumps(data, separators=(",", ":")))


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
        mine = None if self.ended else event.seen_by(self)
        if mine is None:
            return True
        if self.queue.full():
            self.end()
            return False
        self.queue.put_nowait(mine)
        return True

    def end(self) -> None:
        """Drop what waits and end: the client connects again and says what it had last."""
        self.ended = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


def batch_event(event: FeedEvent) -> LiveEvent:
    """Say that rows have arrived."""
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


def site_event(pulse: Pulse, state: SiteState, cause: int | None = None) -> LiveEvent:
    """Say how a site is now; `cause` is the feed's entry that changed it."""
    data = {
        "site": pulse.site,
        "name": pulse.name,
        "state": state.value,
        "simulated": pulse.simulated,
        "last_seen": iso(pulse.last_arrival_ms),
    }
    return LiveEvent("site", pulse.site, json.dumps(data, separators=(",", ":")), cause)


def incident_event(one: Incident, still_open: tuple[Incident, ...]) -> LiveEvent:
    """Say that an incident has changed, and how many of the real ones (`still_open`) are open now."""
    data = {
        "incident": one.id,
        "site": one.site,
        "state": one.state.value,
        "cause": one.cause,
        "simulated": one.simulated,
        "revision": one.revision,
    }
    text = json.dumps(data, separators=(",", ":"))
    return IncidentEvent("incident", one.site or "", text, incident=one, still_open=still_open)
