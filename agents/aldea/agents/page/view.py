"""What the pages may ask of the box, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aldea.agents.settings import AgentSettings
from aldea.model.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxView:
    """The box as its pages see it. `known_ms` returns the time where something vouches for it, else None."""

    settings: AgentSettings
    clock: Clock
    version: str
    known_ms: Callable[[], int | None]
