"""Rollouts and their devices as they are read from their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row

from aldea.model.rollouts import Progress, Rollout, RolloutState, Why


@dataclass(frozen=True, slots=True)
class StoredRollout:
    """A rollout in the register."""

    id: int
    rollout: Rollout
    author: str
    changed_ms: int
    why: Why | None


@dataclass(frozen=True, slots=True)
class RolloutDevice:
    """A device that was asked: where it stands, its command, and the words of its last answer."""

    site: str
    device: str
    wave: int
    progress: Progress
    command: str
    asked_ms: int
    trying_ms: int | None
    ended_ms: int | None
    detail: Mapping[str, Any] = field(default_factory=dict)


def stored_of(row: Row[Any]) -> StoredRollout:
    """Return the rollout of a row."""
    found = Rollout(row.version, RolloutState(row.state), row.wave, row.created_ms, row.bake_hours, row.first_site)
    why = None if row.why is None else Why(str(row.why["word"]), dict(row.why["about"]))
    return StoredRollout(row.id, found, row.author, row.changed_ms, why)


def device_of(row: Row[Any]) -> RolloutDevice:
    """Return the device of a row."""
    return RolloutDevice(
        row.site,
        row.device,
        row.wave,
        Progress(row.progress),
        row.command,
        row.asked_ms,
        row.trying_ms,
        row.ended_ms,
        row.detail,
    )
