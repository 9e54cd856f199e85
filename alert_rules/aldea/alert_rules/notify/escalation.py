"""Escalation: a fault that nobody has taken after so many minutes is told to the next people too."""

from __future__ import annotations

from sqlalchemy import Row, select

from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.occasion import OPENING, Occasion, occasion_of
from aldea.storage.register import Unit
from aldea.storage.register.notifications import NotificationFilter, enqueue, list_notifications
from aldea.storage.register.tables import incident

MINUTE_MS = 60_000
MOST = 500


def escalate(unit: Unit, announcer: Announcer, at_ms: int) -> int:
    """Tell the next tiers of faults that fired long ago and are neither acknowledged nor over; return how many are new.

    After each `escalate_minutes` one tier more: responsible people, technicians, operators. 0: never.
    """
    every_ms = announcer.settings.escalate_minutes * MINUTE_MS
    if not every_ms:
        return 0
    new = 0
    for row in _untaken(unit, at_ms - every_ms):
        occasion = _told(unit, row.id)
        if occasion is None:
            continue
        reachable = [one for one in announcer.audience(unit, occasion, at_ms) if one.contacts]
        tiers = sorted({one.tier for one in reachable})
        reached = set(tiers[: 1 + (at_ms - row.fired_at_ms) // every_ms])
        points = [point for one in reachable if one.tier in reached for point in one.contacts]
        new += enqueue(unit, announcer.compose(occasion, points, at_ms))
    return new


def _untaken(unit: Unit, before_ms: int) -> list[Row[tuple[str, int]]]:
    wanted = (
        select(incident.c.id, incident.c.fired_at_ms)
        .where(incident.c.state == "firing", incident.c.acknowledged_at_ms.is_(None))
        .where(incident.c.fired_at_ms <= before_ms)
        .order_by(incident.c.fired_at_ms)
        .limit(MOST)
    )
    return list(unit.connection.execute(wanted))


def _told(unit: Unit, incident_id: str) -> Occasion | None:
    """Return what was said when the incident started, None when nobody was told."""
    said = list_notifications(unit, NotificationFilter(incident=incident_id), limit=MOST)
    starts = [item for item in said if item.kind in OPENING]
    return occasion_of(starts[-1].document) if starts else None
