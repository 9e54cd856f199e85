"""How each probe's last rounds were: for whoever looks after the box."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aldea.model.sample import Reading


@dataclass(frozen=True, slots=True)
class ProbeState:
    """A probe's rhythm, when its last round ended (since boot), how many readings it had, and which failures.

    `failed_ms`: the end of the newest round in which anything failed; `failures` are that round's.
    """

    name: str
    every_seconds: float
    running: bool
    last_ms: int | None = None
    readings: int = 0
    failed_ms: int | None = None
    failures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Round:
    at_ms: int
    readings: int
    failures: Mapping[str, int]


class ProbeLog:
    """Remembers each probe's last round, and its last one with a failure."""

    def __init__(self) -> None:
        self._last: dict[str, _Round] = {}
        self._failed: dict[str, _Round] = {}

    def note(self, name: str, readings: Sequence[Reading], at_ms: int) -> None:
        """Take in a round that ended now."""
        words = (reading.fields.get("failure") for reading in readings)
        failures = Counter(str(word) for word in words if word is not None)
        self._last[name] = _Round(at_ms, len(readings), failures)
        if failures:
            self._failed[name] = self._last[name]

    def state(self, name: str, every_seconds: float, *, running: bool) -> ProbeState:
        """Return how a probe is."""
        last, failed = self._last.get(name), self._failed.get(name)
        return ProbeState(
            name,
            every_seconds,
            running,
            None if last is None else last.at_ms,
            0 if last is None else last.readings,
            None if failed is None else failed.at_ms,
            {} if failed is None else failed.failures,
        )
