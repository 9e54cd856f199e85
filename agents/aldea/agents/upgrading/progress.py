"""What the server is told while a release is fetched: how far it is, and what keeps it."""

from __future__ import annotations

from collections.abc import Callable

from aldea.agents.operating.handler import State, Tell
from aldea.agents.upgrading import telling
from aldea.agents.words import Words
from aldea.model.release import Manifest

TOLD_PARTS = 5
"""So often it is told how much is there."""


class FetchTold:
    """Tells of one fetching. `is_heard`: the server is heard over the other connection."""

    def __init__(self, manifest: Manifest, tell: Tell, is_heard: Callable[[], bool]) -> None:
        self._manifest = manifest
        self._tell = tell
        self._is_heard = is_heard
        self._told_parts = -1
        self._waits = False
        self._stuck_at: int | None = None

    async def progress(self, there: int) -> None:
        """Tell of bytes that are there: of each fifth, and when it goes on."""
        if there == self._stuck_at:
            return
        parts = there * TOLD_PARTS // self._manifest.size_bytes
        if parts > self._told_parts or self._waits or self._stuck_at is not None:
            self._told_parts, self._waits, self._stuck_at = parts, False, None
            await self._tell(State.RUNNING, telling.step(self._manifest.version, "fetching", self._counted(there)))

    async def wait(self, until_ms: int) -> None:
        """Tell, once, that the month's bytes are spent."""
        if not self._waits:
            self._waits, self._stuck_at = True, None  # once it goes on, that is news
            await self._tell(State.RUNNING, telling.waiting_for_budget(self._manifest.version, until_ms))

    async def stuck(self, there: int, why: Words) -> None:
        """Tell, once, why no more comes although there is a link: nobody at the server could find that out."""
        if self._stuck_at is None and self._is_heard():
            self._stuck_at = there
            await self._tell(State.RUNNING, telling.stuck(self._manifest.version, why, self._counted(there)))

    def _counted(self, there: int) -> dict[str, int]:
        return {"bytes": there, "of": self._manifest.size_bytes}
