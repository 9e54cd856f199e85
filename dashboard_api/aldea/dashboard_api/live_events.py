"""What the live stream says, and one client's place in it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from aldea.dashboard_api.incident_view import sites_of
from aldea.dashboard_api.instants import iso
from aldea.model.liveness import SiteState
from aldea.storage.register.feed import FeedEvent
from aldea.storage.register.incidents import Incident
from aldea.storage.register.pulses import Pulse


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event for the clients. `id` is the feed's, None where time alone is the cause.

    `others`: further sites that it concerns, whose followers hear of it too.
    """

    name: str
    site: str
    data: str
    id: int | None = None
    others: tuple[str, ...] = ()

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
        if self.ended or not any(map(self.wants, (event.site, *event.others))):
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


def incident_event(one: Incident, still_open: int) -> LiveEvent:
    """Say that an incident has changed, and how many real ones are open now."""
    data = {
        "incident": one.id,
        "site": one.site,
        "state": one.state.value,
        "cause": one.cause,
        "simulated": one.simulated,
        "revision": one.revision,
        "open": still_open,
    }
    concerned = sites_of(one)
    return LiveEvent("incident", one.site or "", json.dumps(data, separators=(",", ":")), others=concerned)
