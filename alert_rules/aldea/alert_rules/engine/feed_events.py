"""The register's feed as events of the rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aldea.alert_rules.events import Batch, Presence
from aldea.storage.register.feed import FeedEvent


def event_of(entry: FeedEvent) -> Batch | Presence:
    """Return what an entry of the feed tells the rules."""
    if entry.kind == "presence":
        send = entry.summary.get("send_seconds")
        return Presence(
            at_ms=entry.arrival_ms,
            online=entry.summary.get("state") == "online",
            connection=_number(entry.summary.get("connection")) or 0,
            send_seconds=_number(send),
        )
    return Batch(
        at_ms=entry.arrival_ms,
        lane=entry.lane,
        device=entry.device,
        epoch=entry.epoch or "",
        first_seq=entry.first_seq or 0,
        event_to_ms=entry.event_to_ms,
        event_from_ms=entry.event_from_ms,
        ping=_pings(entry.summary),
    )


def _pings(summary: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    told = summary.get("ping")
    if not isinstance(told, Mapping):
        return {}
    return {str(role): (int(sums[0]), int(sums[1])) for role, sums in told.items()}


def _number(value: object) -> int | None:
    return round(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
