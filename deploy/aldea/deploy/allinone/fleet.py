"""The simulated fleet beside a running all-in-one: started, and on the real start sent away for good."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aldea.deploy.allinone.seeding import HISTORY_DAYS
from aldea.deploy.broker.base import BrokerError
from aldea.deploy.realstart.leaving import Surroundings
from aldea.deploy.realstart.retained import forget_retained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from aldea.collector.service import Collector
    from aldea.deploy.allinone.brokering import OwnBroker
    from aldea.deploy.allinone.children import Child

log = logging.getLogger(__name__)


def fleet_arguments(own: OwnBroker, data: Path) -> list[str]:
    """Return the simulator's arguments."""
    name = [] if own.simulator_name is None else ["--mqtt-username", own.simulator_name]
    return [
        "fleet",
        "--mqtt-host",
        own.broker.host,
        "--mqtt-port",
        str(own.broker.port),
        *name,
        "--data",
        str(data / "simulator"),
        "--days",
        str(HISTORY_DAYS),
        "--progress-json",
    ]


class FleetBeside:
    """What a running server does when its simulated fleet is to leave. `child` is None where there is none."""

    def __init__(self, own: OwnBroker, collector: Collector, child: Child | None) -> None:
        self._own = own
        self._collector = collector
        self._child = child

    def surroundings(self, pause: Callable[[float], bool]) -> Surroundings:
        """Return this server's part in the leaving."""
        return Surroundings(stop_fleet=self._stop, is_drained=self._is_drained, forget=self._forget, pause=pause)

    def _stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def _is_drained(self) -> bool:
        status = self._collector.status()
        return min(status.series_position, status.feed_position) >= status.journal_position

    def _forget(self, devices: Sequence[tuple[str, str]]) -> None:
        broker, password = self._own.broker, self._own.simulator.get("ALDEA_SIMULATOR_PASSWORD")
        try:
            forget_retained(broker.host, broker.port, devices, self._own.simulator_name, password)
        except BrokerError as error:
            # Our broker keeps nothing over a restart, so this is no reason to keep the fleet.
            log.warning("%s", error)
