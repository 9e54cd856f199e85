"""Opening the outbox where the disk may not allow it yet: try again, and note the silence meanwhile."""

from __future__ import annotations

import logging
from pathlib import Path

from aldea.agents.outbox.outbox import Outbox
from aldea.agents.outbox.records import Limits, Machine, OutboxUnavailable, Stopped
from aldea.agents.outbox.reserve import ENDINGS, Reserve, Span

_LOG = logging.getLogger(__name__)
_WORDS = {stopped: word for word, stopped in ENDINGS.items()}


class Opening:
    """Tries to open one outbox, at `mono_ms` first and then as often as it is asked.

    The `boot` row stands where the agent first tried, also in an earlier process of this boot: from then on it was
    there, and the reserve tells how long it had to wait. `trouble` says why it waits, None while it does not.
    """

    def __init__(self, folder: Path, machine: Machine, limits: Limits, mono_ms: int) -> None:
        self.trouble: OutboxUnavailable | None = None
        self._folder = folder
        self._machine = machine
        self._limits = limits
        self._reserve = Reserve(folder / "outbox.reserve")
        waited = [span for span in self._reserve.spans if span.boot_id == machine.boot_id and not span.count]
        self._began_ms = min([mono_ms, *(span.from_mono_ms for span in waited)])

    def attempt(self, mono_ms: int) -> Outbox | None:
        """Return the outbox, None when the disk does not allow it now; other errors are raised."""
        try:
            outbox = Outbox(self._folder, self._machine, self._began_ms, self._limits, self._reserve)
        except OutboxUnavailable as error:
            _LOG.error("nothing can be recorded: %s", error)
            self.trouble = error
            self._note(mono_ms, error.reason)
            return None
        if self.trouble is not None:
            self._note(mono_ms, self.trouble.reason)
            _LOG.warning("the outbox can be used again")
        self.trouble = None
        return outbox

    def give_up(self, mono_ms: int, stopped: Stopped) -> None:
        """Note that this start ends without its outbox, and how: the next one tells of it."""
        if self.trouble is not None:
            self._note(mono_ms, self.trouble.reason)
            if stopped in _WORDS:
                self._note(mono_ms, _WORDS[stopped])

    def _note(self, mono_ms: int, reason: str) -> None:
        self._reserve.note(Span(self._machine.boot_id, mono_ms, mono_ms, 0, reason))
