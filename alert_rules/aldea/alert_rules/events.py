"""What a rule is told: what arrived, presence, that time has passed, and whether we ourselves can be believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

LIVE = "live"
NO_PING: Mapping[str, tuple[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of the site came in. `ping`: of each role, packets sent and answered, summed over the batch.

    `at_ms`: arrival. `event_from_ms`, `event_to_ms`: the time of its oldest and newest row, None while not known.
    `device`, `epoch` and `first_seq` tell a batch that came twice from two batches.
    """

    at_ms: int
    lane: str
    device: str
    epoch: str = ""
    first_seq: int = 0
    event_to_ms: int | None = None
    ping: Mapping[str, tuple[int, int]] = field(default_factory=lambda: NO_PING)
    event_from_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """A birth (`online`, with the interval at which the agent says it will send) or a last will."""

    at_ms: int
    online: bool
    connection: int = 0
    send_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """It is `at_ms` now, and everything that arrived before has been told."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class PlatformHealth:
    """Our own parts stopped hearing, or hear again.

    `deaf_from_ms`: since when nothing could be heard; that time is not held against a site. After `healthy` the
    rules still wait for `grace_ms`, in which agents find their way back.
    """

    at_ms: int
    healthy: bool
    deaf_from_ms: int | None = None
    grace_ms: int = 0


Event = Batch | Presence | Tick | PlatformHealth
