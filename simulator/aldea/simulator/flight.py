"""What a conversation passes on and keeps in mind: messages, the batch under way, rows the collector won't have."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from aldea.model.intervals import IntervalSet
from aldea.model.topics import Lane
from aldea.simulator.village import Piece


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be published."""

    topic: str
    payload: bytes
    qos: int
    retain: bool = False


class Phase(StrEnum):
    """How far a village is with its connection."""

    AWAY = "away"
    GREETING = "greeting"
    TALKING = "talking"


@dataclass(slots=True)
class InFlight:
    """A batch that has not been answered in full. `settled` is what has."""

    piece: Piece
    lane: Lane
    digest: str
    sent_ms: int
    attempts: int = 1
    settled: IntervalSet = field(default_factory=IntervalSet)


@dataclass(slots=True)
class Trouble:
    """What the collector would not have, counted in rows."""

    rejected: int = 0
    conflict: int = 0
    refused: int = 0
