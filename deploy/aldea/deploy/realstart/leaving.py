"""How the simulated fleet leaves: child, broker, register, series, folder, and once more for stragglers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.storage.register.real_start import Phase
from aldea.storage.register.settings import bump_registry_version
from aldea.storage.register.simulated import end_demo, remove_simulated, simulated_devices, simulated_sites

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register

DRAIN_SECONDS = 60.0
SETTLE_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What stands around the stores while a server runs; without one, nothing has to be done there.

    `stop_fleet` ends the simulator and keeps it from coming back; `is_drained` says whether everything the collector
    has taken is in the stores; `forget` lets the broker forget retained messages of (site, device) pairs;
    `pause` waits some seconds and says whether the server is to stop instead.
    """

    stop_fleet: Callable[[], None]
    is_drained: Callable[[], bool]
    forget: Callable[[Sequence[tuple[str, str]]], None]
    pause: Callable[[float], bool]


def leave(
    register: Register,
    series: SeriesStore,
    folder: Path,
    tell: Callable[[Phase, int, int], None],
    around: Surroundings | None = None,
) -> int:
    """Remove everything simulated; return how many sites went. Safe to call again after it was interrupted.

    `folder` is the simulator's. Raises what the stores raise: then another call goes on with what is left.
    """
    with register.transaction() as unit:
        end_demo(unit)
        devices = simulated_devices(unit)
        sites = simulated_sites(unit)
    if around is not None:
        _quieten(around, devices, tell)
    tell(Phase.REMOVING, 0, len(sites))
    for done, site in enumerate(sites, 1):
        series.delete_site(site)
        tell(Phase.REMOVING, done, len(sites))
    with register.transaction() as unit:
        remove_simulated(unit)
    shutil.rmtree(folder, ignore_errors=True)
    if around is not None and not around.pause(SETTLE_SECONDS):
        _sweep(register, series, sites, tell)
    return len(sites)


def _quieten(around: Surroundings, devices: Sequence[tuple[str, str]], tell: Callable[[Phase, int, int], None]) -> None:
    tell(Phase.STOPPING, 0, 0)
    around.stop_fleet()
    tell(Phase.FORGETTING, 0, 0)
    around.forget(devices)
    tell(Phase.DRAINING, 0, 0)
    waited = 0.0
    while not around.is_drained() and waited < DRAIN_SECONDS:
        if around.pause(0.2):
            return
        waited += 0.2


def _sweep(
    register: Register, series: SeriesStore, sites: Sequence[str], tell: Callable[[Phase, int, int], None]
) -> None:
    """Remove what was on its way when the sites went: a follower's last group, a fold that still remembered them."""
    tell(Phase.SWEEPING, 0, 0)
    with register.transaction() as unit:
        remove_simulated(unit, tuple(sites))
        bump_registry_version(unit)
    for site in sites:
        series.delete_site(site)
