"""All villages at once: their conversations over one connection, and how far the history has come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aldea.model.clock import Clock
from aldea.model.messages import parse_ack
from aldea.model.topics import Lane, Topic
from aldea.model.wire import Rejected
from aldea.simulator.broker import Broker, Connected, Heard
from aldea.simulator.conversation import Conversation
from aldea.simulator.fleet import SimulatedSite
from aldea.simulator.flight import Outgoing
from aldea.simulator.plan import Plan
from aldea.simulator.village import Village

BULK_IN_FLIGHT = 24
"""Batches of backlog that may wait for their answers at once, over the whole fleet."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of the rows that were there at the start the collector has confirmed."""

    done: int
    total: int

    @property
    def complete(self) -> bool:
        """Whether the fleet has caught up and lives."""
        return self.done >= self.total


class Fleet:
    """The conversations of all villages. `take` and `turn` do no waiting and no I/O of their own."""

    def __init__(self, sites: Sequence[SimulatedSite], plan: Plan, send_ms: int, now_ms: int) -> None:
        self._talks = {site.id: Conversation(Village(site, plan), send_ms) for site in sites}
        self._targets = {site: talk.target(now_ms) for site, talk in self._talks.items()}
        self._told: set[str] = set()

    @property
    def topics(self) -> list[str]:
        """Where the collector's answers to the fleet come."""
        return [str(Topic(talk.village.site.id, talk.village.site.device, Lane.ACK)) for talk in self._talks.values()]

    def broker_came(self) -> None:
        """Start all conversations again: the connection is a new one."""
        for talk in self._talks.values():
            talk.broker_came()

    def take(self, heard: Heard) -> None:
        """Hand an acknowledgement to the village it is for. What can't be read is passed over."""
        talk = self._talks.get(heard.topic.split("/")[2])
        if talk is None:
            return
        try:
            talk.hear(parse_ack(heard.payload), heard.arrival_ms)
        except Rejected as error:
            _log.warning("An acknowledgement on %s cannot be read: %s", heard.topic, error)
        self._tell_trouble(talk)

    def turn(self, now_ms: int, publish: Callable[[Outgoing], object]) -> None:
        """Let every village publish what it has to say now. Those further up finish their backlog first."""
        in_flight = sum(talk.sending_bulk for talk in self._talks.values())
        for talk in self._talks.values():
            was = talk.sending_bulk
            for message in talk.step(now_ms, room=in_flight < BULK_IN_FLIGHT):
                publish(message)
            in_flight += talk.sending_bulk - was

    def progress(self) -> Progress:
        """Return how far the rows of the start have come."""
        done = sum(min(self._talks[site].acked, target) for site, target in self._targets.items())
        return Progress(done, sum(self._targets.values()))

    def farewell(self) -> list[Outgoing]:
        """Return what the villages say when all are stopped in order."""
        return [message for talk in self._talks.values() for message in talk.stop()]

    def _tell_trouble(self, talk: Conversation) -> None:
        trouble, site = talk.trouble, talk.village.site.id
        if site not in self._told and (trouble.rejected or trouble.conflict or trouble.refused):
            self._told.add(site)
            _log.warning(
                "The collector does not take some rows of %s: rejected %d, conflict %d, refused %d",
                *(site, trouble.rejected, trouble.conflict, trouble.refused),
            )


def run(fleet: Fleet, broker: Broker, clock: Clock, stop: threading.Event, report: Callable[[Progress], None]) -> None:
    """Run the fleet until `stop` is set, then say farewell. `report` is called after each turn."""
    broker.start()
    try:
        while not stop.is_set():
            for event in broker.events(0.2):
                if isinstance(event, Connected):
                    fleet.broker_came()
                else:
                    fleet.take(event)
            if broker.is_connected():
                fleet.turn(clock.wall_ms(), broker.publish)
            report(fleet.progress())
    finally:
        broker.stop(fleet.farewell(), within_seconds=2.0)
