"""The outbox: every row gets its seq in the transaction that stores it, and stays until it is safe elsewhere."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress

from aldea.agents.outbox import limits as caps
from aldea.agents.outbox import selection, start
from aldea.agents.outbox.database import add_epoch, transaction
from aldea.agents.outbox.file import OutboxFile
from aldea.agents.outbox.records import DeadLetter, Held, OutboxUnavailable
from aldea.agents.outbox.reserve import Span
from aldea.agents.outbox.selection import Busy, busy_in
from aldea.agents.outbox.shape import row_of
from aldea.agents.outbox.writing import insert, name_epoch
from aldea.model.intervals import IntervalSet, Range
from aldea.model.sample import Reading

_LOG = logging.getLogger(__name__)
_AGE_CHECK_MS = 3_600_000
_END = 2**62


class Outbox(OutboxFile):
    """One agent's rows on disk. Methods may be called from several threads.

    Opening numbers the boot and writes the `boot` row. A file found damaged, then or later, is put aside and
    a new epoch begins. Methods raise OutboxUnavailable when the disk does not allow what they ask, except
    those that say otherwise.
    """

    # -- what is being written

    def append(self, readings: Sequence[Reading], mono_ms: int) -> Range | None:
        """Store the readings of one sampling cycle in one commit; return their seqs.

        Never raises for want of room: then the rows are counted in the reserve, and None is returned.
        """
        if not readings:
            return None
        with self._lock:
            try:
                return self._guarded(lambda: self._append(readings, mono_ms))
            except OutboxUnavailable as error:
                _LOG.error("%d rows cannot be recorded: %s", len(readings), error)
                span = Span(self._machine.boot_id, mono_ms, mono_ms, len(readings), error.reason)
                self._reserve.note(span)
                return None

    def append_placed(self, readings: Sequence[Reading], mono_ms: int) -> tuple[str, Range] | None:
        """Store readings as `append` does; return the epoch and the seqs that they got."""
        with self._lock:
            seqs = self.append(readings, mono_ms)
            return None if seqs is None else (self.epoch, seqs)

    def _append(self, readings: Sequence[Reading], mono_ms: int) -> Range:
        spans, generation = self._reserve.spans, self._reserve.generation
        with transaction(self._db):
            first, last = self._insert(readings, mono_ms)
            if (start.get_meta(self._db, start.RESERVE_TOLD) or 0) < generation and spans:
                self._insert([told_by_reserve(span) for span in spans], mono_ms)
                start.set_meta(self._db, start.RESERVE_TOLD, generation)
            start.set_meta(self._db, start.LAST_MONO, mono_ms)
            self._drop(mono_ms)
        if spans:
            self._reserve.clear()
        self._last_mono_ms = mono_ms
        return first, last

    def _insert(self, readings: Iterable[Reading], mono_ms: int) -> Range:
        return insert(self._db, self._epoch[0], self._boot.number, readings, mono_ms)

    def _drop(self, mono_ms: int) -> None:
        dropped = caps.drop_for_size(self._db, self._limits)
        if mono_ms - self._age_checked_ms >= _AGE_CHECK_MS:
            self._age_checked_ms = mono_ms
            dropped += caps.drop_for_age(self._db, self._limits, self._boot, mono_ms)
        names = dict(self._db.execute("SELECT id, name FROM epoch").fetchall())
        for item in dropped:
            _LOG.warning("%d rows were dropped undelivered (%s)", item.count, item.reason)
            other_epoch = None if item.epoch_id == self._epoch[0] else names[item.epoch_id]
            told = caps.tombstone(item.first_seq, item.last_seq, item.count, item.reason, other_epoch)
            self._insert([told], mono_ms)

    # -- what is waiting

    def bounds(self) -> Range:
        """Return (oldest seq still held, newest seq given) of the current epoch; (1, 0) for a new one."""
        return self._run(self._bounds)

    def _bounds(self) -> Range:
        (last,) = self._db.execute("SELECT last_seq FROM epoch WHERE id = ?", self._epoch[:1]).fetchone()
        (first,) = self._db.execute("SELECT min(seq) FROM waiting WHERE epoch_id = ?", self._epoch[:1]).fetchone()
        return last + 1 if first is None else first, last

    def next_live(self, limit: int, after_seq: int, busy: Busy) -> Held | None:
        """Return the newest rows of the current epoch behind `after_seq`, at most `limit`."""
        return self._run(
            lambda: selection.run_up_to(self._db, self._epoch, after_seq, limit, self._unavailable(busy, self.epoch))
        )

    def next_bulk(self, limit: int, up_to_seq: int, busy: Busy) -> Held | None:
        """Return the oldest waiting rows, at most `limit`; of the current epoch those up to `up_to_seq`."""
        return self._run(lambda: self._next_bulk(limit, up_to_seq, busy))

    def _next_bulk(self, limit: int, up_to_seq: int, busy: Busy) -> Held | None:
        for epoch_id, name in self._db.execute("SELECT id, name FROM epoch ORDER BY id").fetchall():
            last = up_to_seq if epoch_id == self._epoch[0] else _END
            held = selection.run_from(self._db, (epoch_id, name), 1, last, limit, self._unavailable(busy, name))
            if held is not None:
                return held
        return None

    def between(self, epoch: str, first: int, last: int, limit: int) -> Held | None:
        """Return the first run of rows still held within `first` to `last`, at most `limit`."""
        return self._run(lambda: self._between(epoch, first, last, limit))

    def _between(self, epoch: str, first: int, last: int, limit: int) -> Held | None:
        row = self._db.execute("SELECT id FROM epoch WHERE name = ?", (epoch,)).fetchone()
        if row is None:
            return None
        settled = self._unavailable({}, epoch)
        return selection.run_from(self._db, (row[0], epoch), first, last, limit, settled)

    def _unavailable(self, busy: Busy, epoch: str) -> IntervalSet:
        """Return what may not be chosen: what is under way, and what is settled but could not be deleted."""
        settled = self._settled.get(epoch)
        if settled is None:
            return busy_in(busy, epoch)
        return IntervalSet([*busy_in(busy, epoch), *settled])

    # -- what became of it

    def acknowledge(self, epoch: str, ranges: Iterable[Range]) -> None:
        """Delete what is safe elsewhere. Never raises for want of room: it is then deleted later."""
        safe = tuple(ranges)
        # Before the rows go: whoever asks for them must never find them gone without knowing why.
        for listener in self.acknowledged:
            listener(epoch, safe)
        with self._lock:
            settled = self._settled.setdefault(epoch, IntervalSet())
            for first, last in safe:
                settled.add(first, last)
            with suppress(OutboxUnavailable):
                self._guarded(self._delete_settled)

    def _delete_settled(self) -> None:
        with transaction(self._db):
            for epoch, ranges in self._settled.items():
                self._db.executemany(
                    "DELETE FROM waiting WHERE seq BETWEEN ? AND ? "
                    "AND epoch_id = (SELECT id FROM epoch WHERE name = ?)",
                    [(first, last, epoch) for first, last in ranges],
                )
        self._settled.clear()

    def forget_wrong_anchors(self, started_ms: int) -> None:
        """Forget the anchors of earlier boots by which they measured after this boot began, at `started_ms`.

        Their clock was wrong. The server refuses what is yet to come; a boot that does not know its time it places
        between its neighbours. Never raises for want of room: it is then done at the next hello.
        """
        with self._lock, suppress(OutboxUnavailable):
            self._guarded(lambda: start.forget_wrong_anchors(self._db, self._boot.number, started_ms))

    def reject(self, epoch: str, first: int, last: int, reason: str, *, tell: bool = False) -> None:
        """Move rows that will never be taken to the dead letter, which keeps the newest of them.

        `tell` leaves a tombstone: the server never saw which rows they are.
        """
        self._run(lambda: self._reject(epoch, first, last, reason, tell=tell))

    def _reject(self, epoch: str, first: int, last: int, reason: str, *, tell: bool) -> None:
        where = "w.seq BETWEEN ? AND ? AND w.epoch_id = (SELECT id FROM epoch WHERE name = ?)"
        with transaction(self._db):
            self._db.execute(
                "INSERT INTO dead_letter (epoch, seq, boot_no, mono_ms, series, content, reason) "  # noqa: S608 - constants
                "SELECT ?, w.seq, w.boot_no, w.mono_ms, s.content, w.content, ? "
                f"FROM waiting w JOIN series s ON s.id = w.series_id WHERE {where}",
                (epoch, reason[:200], first, last, epoch),
            )
            gone = self._db.execute(f"DELETE FROM waiting AS w WHERE {where}", (first, last, epoch))  # noqa: S608 - constants
            if tell and gone.rowcount:
                other_epoch = None if epoch == self._epoch[1] else epoch
                told = caps.tombstone(first, last, gone.rowcount, reason, other_epoch)
                self._insert([told], self._last_mono_ms)
            self._db.execute(
                "DELETE FROM dead_letter WHERE id <= (SELECT max(id) FROM dead_letter) - ?",
                (self._limits.dead_letter_rows,),
            )

    def whereabouts(self, epoch: str, seqs: Collection[int]) -> dict[int, str | None]:
        """Return those of an epoch's rows that are still here: waiting (None), or refused (the reason)."""
        return self._run(lambda: selection.whereabouts(self._db, epoch, seqs))

    def dead_letters(self) -> list[DeadLetter]:
        """Return what the server refused, oldest first."""
        query = "SELECT epoch, seq, mono_ms, series, content, reason FROM dead_letter ORDER BY id"
        return [
            DeadLetter(epoch, row_of(seq, mono_ms, series, content), reason)
            for epoch, seq, mono_ms, series, content, reason in self._run(lambda: self._db.execute(query).fetchall())
        ]

    def move_to_new_epoch(self) -> None:
        """Give this boot's rows new seqs, from 1, in a new epoch: the file was restored from an old copy.

        Rows of earlier boots keep their epoch: their content is that of the original.
        """
        self._run(self._move_to_new_epoch)

    def _move_to_new_epoch(self) -> None:
        with transaction(self._db):
            add_epoch(self._db)
            (new_id,) = self._db.execute("SELECT max(id) FROM epoch").fetchone()
            moving = (self._epoch[0], self._boot.number)
            self._db.execute(
                "INSERT INTO waiting SELECT ?, row_number() OVER (ORDER BY seq), boot_no, mono_ms, series_id, "
                "content FROM waiting WHERE epoch_id = ? AND boot_no = ?",
                (new_id, *moving),
            )
            self._db.execute("DELETE FROM waiting WHERE epoch_id = ? AND boot_no = ?", moving)
            name_epoch(self._db, new_id, self._epoch[1])
            self._db.execute(
                "UPDATE epoch SET last_seq = (SELECT count(*) FROM waiting WHERE epoch_id = ?) WHERE id = ?",
                (new_id, new_id),
            )
        self._epoch = self._current_epoch()


def told_by_reserve(span: Span) -> Reading:
    """Return what is said of a time in which nothing could be recorded."""
    return Reading(
        "not_recorded",
        {
            "from_mono_ms": span.from_mono_ms,
            "to_mono_ms": span.to_mono_ms,
            "boot_id": span.boot_id,
            "count": span.count,
            "reason": span.reason,
        },
    )
