"""What a command is: its state, and how it is read from its row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Row


class CommandState(StrEnum):
    """What has become of a command. The last five are its end."""

    WAITING = "waiting"
    SENT = "sent"
    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is expected."""
        return self not in OPEN


OPEN = (CommandState.WAITING, CommandState.SENT, CommandState.ACCEPTED, CommandState.RUNNING)
UNHEARD = (CommandState.WAITING, CommandState.SENT)
"""The device has not said that it has it."""


@dataclass(frozen=True, slots=True)
class DeviceCommand:
    """One command. `answer` is the device's newest word; `heard_ms`: when the device was first known to have it.

    `sent_ms` is the newest of `attempts` sendings; `told_ms` the device's own time of its newest word.
    """

    id: str
    site: str
    device: str
    kind: str
    payload: Mapping[str, Any]
    state: CommandState
    created_ms: int
    expires_ms: int
    sent_ms: int | None = None
    answered_ms: int | None = None
    author: str | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)
    heard_ms: int | None = None
    told_ms: int | None = None
    attempts: int = 0


def command_of(row: Row[Any]) -> DeviceCommand:
    """Return the command of a row of the table."""
    return DeviceCommand(
        id=row.id,
        site=row.site,
        device=row.device,
        kind=row.kind,
        payload=row.payload,
        state=CommandState(row.state),
        created_ms=row.created_at_ms,
        expires_ms=row.expires_at_ms,
        sent_ms=row.sent_at_ms,
        answered_ms=row.answered_at_ms,
        author=row.author,
        answer=row.answer or {},
        heard_ms=row.delivered_at_ms,
        told_ms=row.told_at_ms,
        attempts=row.attempts,
    )
