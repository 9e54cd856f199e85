"""Records into the outbox, and word of them back: at least once, until the server says that it has them.

A version goes into the outbox first and is noted as being there after that. Whatever happens in between (power, a
damaged outbox, a new epoch, rows given up for want of room), a version whose row is gone without having arrived
is handed over again; the server knows it by record and version, and stores it once.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import defaultdict
from collections.abc import Mapping

from aldea.agents.outbox import Outbox, OutboxUnavailable
from aldea.agents.records.book import RecordBook
from aldea.agents.records.entry import Entry, State
from aldea.agents.records.programmes import ProgrammeShelf
from aldea.agents.records.shelf import FormShelf
from aldea.model.clock import Clock
from aldea.model.forms.envelope import envelope_fields
from aldea.model.intervals import Range
from aldea.model.sample import Reading

_LOG = logging.getLogger(__name__)
KEPT_DAYS = 400
_DAY_MS = 86_400_000
_THIN_EVERY_MS = _DAY_MS
AT_ONCE = 50
FORMS_TOLD = "forms_told"

REFUSED: Mapping[str, str] = {
    "es": "El servidor no aceptó este envío: {why}. Revísese el registro y corríjase; así se envía otra vez.",
    "en": "The server did not take what was sent: {why}. Look over the record and correct it; so it is sent again.",
}
WHY: Mapping[str, Mapping[str, str]] = {
    "out_of_range": {"es": "un valor no puede ser", "en": "a value cannot be"},
    "time_future": {"es": "el reloj de la caja va adelantado", "en": "the box's clock is ahead"},
    "time_absurd": {"es": "el reloj de la caja no puede ser", "en": "the box's clock cannot be right"},
    "wrong_site": {"es": "la caja habló por otro sitio", "en": "the box spoke for another site"},
    "too_large": {"es": "es demasiado largo", "en": "it is too long"},
    "internal_error": {"es": "el servidor tropezó con él", "en": "the server stumbled over it"},
}
"""The server's word for why a row was not taken; of any other one people are told that it could not be read."""
_UNREADABLE: Mapping[str, str] = {"es": "no se pudo leer", "en": "it could not be read"}


class Handing:
    """Hands records over. `hand_over` may be called by any thread, as often as one likes."""

    def __init__(
        self,
        book: RecordBook,
        outbox: Outbox,
        clock: Clock,
        shelf: FormShelf | None = None,
        programmes: ProgrammeShelf | None = None,
    ) -> None:
        self._book = book
        self._outbox = outbox
        self._clock = clock
        self._shelf = shelf
        self._programmes = programmes
        self._turn = threading.Lock()
        self._thinned_ms: int | None = None
        # Rows that went in while the book could not be written: a full disk would else send them again and again.
        self._unnoted: dict[int, tuple[str, int]] = {}
        self._told: str | None = None
        outbox.acknowledged.append(self.arrived)

    def hand_over(self) -> int:
        """Look after what is in the outbox, and put there what is not; return how many rows went in.

        Never raises for want of room: it is then done at the next call.
        """
        with self._turn:
            try:
                self._look_after()
                self._thin_out()
                return self._tell_forms() + self._put_in()
            except (OutboxUnavailable, sqlite3.Error) as error:
                _LOG.warning("records wait: %s", error)
                return 0

    def known_ms(self) -> int | None:
        """Return the time, None while nothing vouches for it."""
        anchor = self._outbox.boot.anchor
        return None if anchor is None else self._clock.mono_ms() + anchor.offset_ms

    def arrived(self, epoch: str, ranges: tuple[Range, ...]) -> None:
        """Take the outbox's word that the server has these rows."""
        try:
            self._book.arrived(epoch, ranges)
        except sqlite3.Error as error:
            # They are then handed over once more, which changes nothing at the server.
            _LOG.warning("that records arrived can't be noted: %s", error)

    def _put_in(self) -> int:
        count = 0
        for entry in self._book.in_state(State.KEPT, AT_ONCE):
            if entry.id not in self._unnoted:
                placed = self._outbox.append_placed([Reading("record", envelope_fields(entry))], self._clock.mono_ms())
                if placed is None:
                    break
                epoch, (seq, _) = placed
                self._unnoted[entry.id] = (epoch, seq)
                count += 1
            self._book.placed(entry, *self._unnoted[entry.id])
            del self._unnoted[entry.id]
        return count

    def _look_after(self) -> None:
        waiting: dict[str, list[Entry]] = defaultdict(list)
        for entry in self._book.in_state(State.IN_OUTBOX):
            waiting[entry.epoch or ""].append(entry)
        for epoch, entries in waiting.items():
            found = self._outbox.whereabouts(epoch, [entry.seq or 0 for entry in entries])
            for entry in entries:
                self._settle(entry, found)

    def _settle(self, entry: Entry, found: Mapping[int, str | None]) -> None:
        seq = entry.seq or 0
        reason = found.get(seq)
        if seq not in found or reason == "conflict":
            # A conflict is about the row's number, which another row has at the server; the record is as good as ever.
            self._book.lost_its_row(entry)
        elif reason is not None:
            _LOG.warning("record %s version %d was refused: %s", entry.record, entry.version, reason)
            why = WHY.get(reason, _UNREADABLE)
            told = {code: [text.format(why=why[code])] for code, text in REFUSED.items()}
            self._book.returned(entry.record, entry.version, told)

    def _thin_out(self) -> None:
        now_ms, known_ms = self._clock.mono_ms(), self.known_ms()
        if known_ms is None or (self._thinned_ms is not None and now_ms - self._thinned_ms < _THIN_EVERY_MS):
            return
        self._thinned_ms = now_ms
        self._book.thin_out(known_ms - KEPT_DAYS * _DAY_MS)

    def _tell_forms(self) -> int:
        """Tell the server which forms and which dates of programmes this box has, once after each change."""
        if self._shelf is None:
            return 0
        now = self._shelf.versions_text()
        if self._programmes is not None:
            now = f"{now} programmes={self._programmes.number}"
        told = f"{self._outbox.epoch} {now}"
        if told == self._told or told == self._book.remembered(FORMS_TOLD):
            return 0
        placed = self._outbox.append_placed([Reading("forms", {"versions": now})], self._clock.mono_ms())
        if placed is None:
            return 0
        self._told = f"{placed[0]} {now}"
        self._book.remember(FORMS_TOLD, self._told)
        return 1
