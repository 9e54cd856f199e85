"""A fleet that runs on a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aldea.model.clock import ManualClock
from aldea.simulator.broker import Address, Broker
from aldea.simulator.fleet import SimulatedSite, registrations
from aldea.simulator.plan import Plan
from aldea.simulator.runner import Fleet, Progress, run
from rigs.mosquitto import Mosquitto

NOW_MS = 1_764_000_000_000
SEED = 3


class Running:
    """A fleet on a thread."""

    def __init__(self, broker: Mosquitto, sites: list[SimulatedSite], plan: Plan, clock: ManualClock) -> None:
        self.fleet = Fleet(sites, plan, 300_000, clock.wall_ms())
        self.progress: list[Progress] = []
        self._stop = threading.Event()
        address = Address(broker.host, broker.port)
        arguments = (self.fleet, Broker(address, self.fleet.topics, clock), clock, self._stop, self.progress.append)
        self._thread = threading.Thread(target=run, args=arguments)
        self._thread.start()

    def caught_up(self) -> bool:
        return bool(self.progress) and self.progress[-1].complete

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)
        assert not self._thread.is_alive()


@contextmanager
def fleet_of(broker: Mosquitto, sites: list[SimulatedSite], plan: Plan, clock: ManualClock) -> Iterator[Running]:
    """Run a fleet of these sites until the block ends."""
    running = Running(broker, sites, plan, clock)
    try:
        yield running
    finally:
        running.stop()


def sites_with(*stories: str) -> list[SimulatedSite]:
    """Return a site of each story."""
    return [next(site for site in registrations() if site.story == story) for story in stories]
