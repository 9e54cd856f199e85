"""Why an agent was not running before it started: what its `boot` row tells, and who may have restarted with it."""

from __future__ import annotations

from enum import StrEnum


class StartCause(StrEnum):
    """Field `cause` of the measurement `boot`. A word once used keeps its meaning."""

    FIRST = "first_start"
    STOPPED = "stopped"
    SHUT_DOWN = "shut_down"
    POWER_LOST = "power_lost"
    CRASHED = "crashed"
    UPGRADED = "upgraded"
    SETTINGS = "settings"
    OUTBOX_LOST = "outbox_lost"


ON_PURPOSE = frozenset({StartCause.STOPPED, StartCause.SHUT_DOWN, StartCause.UPGRADED, StartCause.SETTINGS})
"""Somebody, or a program, ended the agent in order."""

FOLLOW_UP = "follow_up"
"""Field `kind` of the second `boot` row of a boot, written when it is known how long the silence was and who
restarted with the machine."""


def names_in(text: str) -> list[str]:
    """Return the names of witnesses in a field such as `restarted`."""
    return [name for name in (part.strip() for part in text.split(",")) if name]
