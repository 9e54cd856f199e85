"""What one direction of a test may spend, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aldea.model.failures import Failure


class Direction(StrEnum):
    """Seen from the site."""

    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one direction may take. `wire_bytes` has IP and TCP headers in it, and the other direction's answers."""

    wire_bytes: int
    seconds: float
    flows: int
    connect_seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """One direction measured. `spent_bytes`: over the link, both ways; `own_bytes`: in this direction alone."""

    bits_per_second: float | None
    steady: bool
    body_bytes: int
    spent_bytes: int
    own_bytes: int
    seconds: float
    failure: Failure | None
