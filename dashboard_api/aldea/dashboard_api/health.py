"""Is it ready: do the stores answer, and does a collector deliver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aldea.dashboard_api.settings import ApiSettings
from aldea.model.series import SeriesStore, StoreRefused, StoreUnavailable
from aldea.storage.register import Register, RegisterError
from aldea.storage.register.collectors import CollectorStatus, collector_statuses

NOBODY = "readiness"
"""A site id that is asked for just to see the series store answer."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Whether collectors deliver. `since_ms`: the newest sign of it, None for never; `why` if they don't."""

    delivering: bool
    since_ms: int | None
    why: str = ""


def delivery(statuses: Sequence[CollectorStatus], now_ms: int, settings: ApiSettings) -> Delivery:
    """Judge the collectors by their reports and by the age of what they last committed, not by a connection.

    Nothing committed at all is no fault as long as a collector reports: no agent may have sent yet.
    """
    if not statuses:
        return Delivery(delivering=False, since_ms=None, why="no collector has reported: start one")
    reported = max(status.reported_ms for status in statuses)
    commits = [status.last_commit_ms for status in statuses if status.last_commit_ms is not None]
    committed = max(commits, default=None)
    silent = (now_ms - reported) // 1000
    if silent > settings.collector_stale_seconds:
        why = f"no collector has reported for {silent} s: see whether it runs"
        return Delivery(delivering=False, since_ms=reported, why=why)
    idle = 0 if committed is None else (now_ms - committed) // 1000
    if idle > settings.commit_stale_seconds:
        why = f"no collector has committed anything for {idle} s: see the broker and the agents"
        return Delivery(delivering=False, since_ms=committed, why=why)
    return Delivery(delivering=True, since_ms=committed)


def not_ready(register: Register, series: SeriesStore, now_ms: int, settings: ApiSettings) -> list[tuple[str, str]]:
    """Return what is not ready as (part, sentence); nothing when all is."""
    found: list[tuple[str, str]] = []
    try:
        with register.reading() as unit:
            statuses = collector_statuses(unit)
    except RegisterError:
        # The reason may name hosts and paths: it is for the log, not for whoever asks.
        found.append(("register", "the register does not answer"))
    else:
        state = delivery(statuses, now_ms, settings)
        if not state.delivering:
            found.append(("collector", state.why))
    try:
        series.catalogue(NOBODY)
    except (StoreUnavailable, StoreRefused, OSError):
        found.append(("series", "the series store does not answer"))
    return found
