"""From "I have repaired it" to the server: the checks run, and the report goes out at once."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from aldea.agents.checkup.checks import judge
from aldea.agents.checkup.evidence import Evidence
from aldea.agents.checkup.findings import as_plain
from aldea.agents.page.allowance import Allowance
from aldea.agents.page.repairs import Repair, RepairBook, RepairState
from aldea.agents.page.rounds import Submit
from aldea.agents.page_settings import LANGUAGES
from aldea.model.clock import Clock
from aldea.model.sample import Reading

_LOG = logging.getLogger(__name__)
AGAIN_MS = 60_000
"""So long a report that was confirmed is shown again instead of a new one: the button was pressed twice."""
REPORTS_AT_ONCE, ONE_REPORT_EACH_MS = 6, 10 * 60_000
"""Without the PIN: each is checked and sent at once, which costs bytes of a metered link."""


class TooMany(Exception):
    """Too many repairs were reported lately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairing:
    """Takes reports. `record` stores a reading to send at once, and says whether it could; `check` runs the checks."""

    book: RepairBook
    clock: Clock
    boot_id: str
    known_ms: Callable[[], int | None]
    submit: Submit
    check: Callable[[], Awaitable[Evidence]]
    record: Callable[[Reading], Awaitable[bool]]
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock)
    _allowance: Allowance = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_allowance", Allowance(self.clock, REPORTS_AT_ONCE, ONE_REPORT_EACH_MS))

    def report(self, note: str, *, trusted: bool = False) -> tuple[Repair, bool]:
        """Keep a report, have it checked and sent, and return it and True; False with one that is still pending.

        `trusted`: the PIN was given. Raises OSError when the folder can't be written, TooMany.
        """
        now_ms = self.clock.mono_ms()
        with self._one_at_a_time:  # a button pressed twice is two requests at once
            last = self.book.last()
            if last is not None and self._is_recent(last):
                return last, False
            if not (trusted or self._allowance.take()):
                raise TooMany
            repair = self.book.add(note, self.boot_id, now_ms, self.known_ms())
        self.submit(self._send(repair))
        return repair, True

    def _is_recent(self, last: Repair) -> bool:
        if last.boot_id != self.boot_id:  # whoever comes after a power cut has something of her own to say
            return False
        if self.is_pending(last):
            return True
        confirmed = last.state is RepairState.CONFIRMED
        return confirmed and self.waited_ms(last) < AGAIN_MS

    def resume(self) -> None:
        """Go on with the reports that a stop of the agent has cut short."""
        for repair in self.book.unsent():
            self.submit(self._send(repair))

    def is_pending(self, repair: Repair) -> bool:
        """Say whether the server's word on it may still come in time."""
        return repair.is_pending(self.waited_ms(repair))

    def waited_ms(self, repair: Repair) -> int:
        """Return how long ago it was reported, as far as the box knows."""
        return repair.waited_ms(self.boot_id, self.clock.mono_ms(), self.known_ms())

    async def _send(self, repair: Repair) -> None:
        try:
            findings = as_plain(judge(await self.check()), LANGUAGES)
            text = json.dumps(findings, ensure_ascii=False, separators=(",", ":"))
            kept = await self.record(Reading("repair", {"repair": repair.id, "findings": text, "note": repair.note}))
            state = RepairState.SENT if kept else RepairState.NOT_KEPT
            await asyncio.to_thread(self.book.checked, repair.id, state, findings)
        except Exception:  # noqa: BLE001 - a report that could not be sent is said on the page
            _LOG.exception("the repair %s could not be reported", repair.id)
            with suppress(OSError):
                await asyncio.to_thread(self.book.checked, repair.id, RepairState.NOT_KEPT, [])
