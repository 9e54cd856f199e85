"""What leaves next for one contact point: pure, from what waits, the moment and what was sent lately.

In this order: an outage that is over before it was told becomes one line; quiet hours hold back what is not
urgent; a provider that failed is waited for; no more than so many messages leave in an hour; and where several wait,
they leave as one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from aldea.alert_rules.notify.occasion import Transition
from aldea.storage.register.contacts import ContactPoint, QuietHours
from aldea.storage.register.notifications import Notification

HOUR_MS, MINUTE_MS = 3_600_000, 60_000
MACHINE_PER_MINUTE = 60
"""Webhooks are read by programs: they get every document, one by one, at most so many in a minute."""

_ENDS = {
    Transition.RESOLVED.value: Transition.FIRED.value,
    Transition.GROUP_RESOLVED.value: Transition.GROUP.value,
    Transition.PLATFORM_RESOLVED.value: Transition.PLATFORM.value,
    Transition.FLAPPING_ENDED.value: Transition.FLAPPING_STARTED.value,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """From the settings: messages to a person in an hour, and how many that wait become one."""

    messages_per_hour: int
    join_from: int


@dataclass(frozen=True, slots=True)
class Plan:
    """`send` leaves as one message. `collapsed`: the id of an end → the ids it also says. `hold`: (ids, until)."""

    send: tuple[Notification, ...] = ()
    collapsed: dict[int, tuple[int, ...]] = field(default_factory=dict)
    hold: tuple[tuple[tuple[int, ...], int], ...] = ()


def make_plan(
    waiting: Sequence[Notification], point: ContactPoint, at_ms: int, recent: Sequence[int], limits: Limits
) -> Plan:
    """Return what to do with the queue of `point`, which is `waiting`, oldest first.

    `recent` are the times of the messages of the last hour (a webhook: of the last minute), oldest first.
    """
    machine = point.kind == "webhook"
    collapsed = {} if machine else _collapsed(waiting)
    gone = {one for group in collapsed.values() for one in group}
    left = [item for item in waiting if item.id not in gone]
    quiet_until = None if point.quiet is None else quiet_end(point.quiet, at_ms)
    held: list[tuple[tuple[int, ...], int]] = []
    if quiet_until is not None:
        held.append((tuple(item.id for item in left if not item.urgent), quiet_until))
        left = [item for item in left if item.urgent]
    due = [item for item in left if item.next_attempt_ms <= at_ms]
    retry_at = max((item.next_attempt_ms for item in left if item.attempts), default=0)
    if retry_at > at_ms:
        # The provider is being waited for: what is new waits behind it, a test alone asks at once.
        held.append((tuple(item.id for item in due if not _is_test(item)), retry_at))
        due = [item for item in due if _is_test(item)]
    most, span = (MACHINE_PER_MINUTE, MINUTE_MS) if machine else (limits.messages_per_hour, HOUR_MS)
    if len(recent) >= most:
        free = recent[-most] + span
        held.append((tuple(item.id for item in due if not item.urgent), free))
        due = [item for item in due if item.urgent]
    return Plan(_chosen(due, limits, machine=machine), collapsed, tuple(held))


def quiet_end(quiet: QuietHours, at_ms: int) -> int | None:
    """Return when the quiet hours that hold at `at_ms` end, None outside of them. They may span midnight."""
    zone = ZoneInfo(quiet.zone)
    now = datetime.fromtimestamp(at_ms / 1000, zone)
    minute = now.hour * 60 + now.minute
    first, last = quiet.from_minute, quiet.to_minute
    inside = first <= minute < last if first < last else minute >= first or minute < last
    if not inside:
        return None
    day = now.date() if minute < last else now.date() + timedelta(days=1)
    end = datetime(day.year, day.month, day.day, last // 60, last % 60, tzinfo=zone)
    # Where a clock change has moved the end into the past, it is over.
    return max(at_ms + 1, round(end.timestamp() * 1000))


def _collapsed(waiting: Sequence[Notification]) -> dict[int, tuple[int, ...]]:
    """Return for each end that waits with its own start the ids of the start and of what was said between."""
    found: dict[int, tuple[int, ...]] = {}
    for index, end in enumerate(waiting):
        start = _ENDS.get(end.kind)
        if start is None:
            continue
        mine = [item for item in waiting[:index] if item.collapse_key == end.collapse_key]
        begins = [place for place, item in enumerate(mine) if item.kind == start]
        if begins:
            found[end.id] = tuple(item.id for item in mine[begins[0] :])
    return found


def _is_test(item: Notification) -> bool:
    return item.kind == Transition.TEST.value


def _chosen(due: Sequence[Notification], limits: Limits, *, machine: bool) -> tuple[Notification, ...]:
    """Return what leaves as one message: tests and urgent ones first and alone, many others together."""
    first = [item for item in due if _is_test(item)][:1]
    first = first or [item for item in due if item.urgent]
    if first and len(first) < limits.join_from:
        return (first[0],)
    if len(due) >= limits.join_from and not machine:
        return tuple(due)
    return tuple(due[:1])
