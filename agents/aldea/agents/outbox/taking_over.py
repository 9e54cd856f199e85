"""Another box's rows into this one's outbox, where they keep their epoch, their seqs and their boots.

The file may be in use by a running agent, which finds the rows at its next look: work is done in small transactions,
and each notes which seqs it took. A take-over that is cut off is finished by doing it again; one that is done again
changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aldea.agents.outbox import limits as caps
from aldea.agents.outbox import start
from aldea.agents.outbox.database import NAME, connect, transaction
from aldea.agents.outbox.old import OldBoot, OldEpoch, OldOutbox, OldRow
from aldea.agents.outbox.outbox import told_by_reserve
from aldea.agents.outbox.records import Limits
from aldea.agents.outbox.selection import TAKEN_STRIDE
from aldea.agents.outbox.writing import insert, series_id
from aldea.agents.page.words import Unable, say
from aldea.model.intervals import IntervalSet, Range
from aldea.model.sample import Reading

_FULL_SHARE = 0.9  # the rest is for what this box measures meanwhile
_SCHEMA = """
CREATE TABLE IF NOT EXISTS taken (
    epoch TEXT NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL, PRIMARY KEY (epoch, first_seq)
) WITHOUT ROWID;
"""


class CannotTakeOver(Unable):
    """Nothing was changed; `words` say why and what to do."""


@dataclass(slots=True)
class Result:
    """What a take-over did: rows brought in, rows that did not fit, and seqs that the old file no longer gives.

    `given_up` has the seqs by epoch and reason.
    """

    rows: int = 0
    dropped: int = 0
    unreadable: int = 0
    dead_letters: int = 0
    spans: int = 0
    given_up: dict[tuple[str, str], IntervalSet] = field(default_factory=dict)

    def nothing(self) -> bool:
        """Whether nothing was changed."""
        return not any((self.rows, self.dropped, self.unreadable, self.dead_letters, self.spans))

    def give_up(self, epoch: str, reason: str, ranges: Iterable[Range]) -> None:
        """Note seqs that do not come."""
        seqs = self.given_up.setdefault((epoch, reason), IntervalSet())
        for first, last in ranges:
            seqs.add(first, last)


class NewOutbox:
    """This box's outbox as a take-over sees it. Raises CannotTakeOver where the agent has not made one yet."""

    def __init__(self, folder: Path, limits: Limits, hardware_id: str) -> None:
        self._path = folder / NAME
        self._limits = limits
        self._full = False
        if not self._path.is_file():
            raise CannotTakeOver(
                say(
                    "%(folder)s holds no outbox yet: let the agent run once on this box, then do this again",
                    folder=folder,
                )
            )
        self._inode = self._path.stat().st_ino
        self._db = connect(self._path)
        owner = self._db.execute("SELECT value FROM meta WHERE name = 'hardware_id'").fetchone()
        if owner is not None and owner[0] and hardware_id and owner[0] != hardware_id:
            self.close()
            raise CannotTakeOver(
                say(
                    "%(file)s was made on another machine: let the agent run once on this box, then do this again",
                    file=self._path,
                )
            )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def is_own(self, epoch: str) -> bool:
        """Say whether an epoch was begun by this outbox itself."""
        return self._db.execute("SELECT 1 FROM epoch WHERE name = ? AND id > 0", (epoch,)).fetchone() is not None

    def taken(self, epoch: str) -> IntervalSet:
        """Return the seqs of an epoch that an earlier take-over has seen to."""
        if not self._has_taken():
            return IntervalSet()
        found = self._db.execute("SELECT first_seq, last_seq FROM taken WHERE epoch = ?", (epoch,))
        return IntervalSet(found.fetchall())

    def _has_taken(self) -> bool:
        return self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'taken'").fetchone() is not None

    def take_over(self, old: OldOutbox) -> Result:
        """Bring in what the old outbox holds and this one has not taken yet, the newest rows first.

        Raises CannotTakeOver when the file was replaced meanwhile, sqlite3.Error when it cannot be written: what
        was taken so far stays, and doing it again goes on from there.
        """
        result = Result()
        self._db.execute(_SCHEMA)
        epochs = [epoch for epoch in old.epochs if not self.is_own(epoch.name)]
        with transaction(self._db):
            ids = self._epoch_ids(epochs)
            boots = self._boot_numbers(old.boots)
        for epoch in epochs:
            for first, last in old.windows(epoch):
                self._take_window(old, epoch, ids[epoch.name], boots, (first, last), result)
        with transaction(self._db):
            self._tell(old, result)
        if not self._path.exists() or self._path.stat().st_ino != self._inode:
            raise CannotTakeOver(say("%(file)s was replaced meanwhile: do this again", file=self._path))
        return result

    # -- numbers: another box's epochs and boots lie below this one's

    def _epoch_ids(self, epochs: Iterable[OldEpoch]) -> dict[str, int]:
        """Return this file's numbers of the old epochs, below its own: they are sent first, oldest first."""
        known = dict(self._db.execute("SELECT name, id FROM epoch").fetchall())
        lowest = min(0, *known.values())
        for epoch in epochs:  # the newest first
            if epoch.name not in known:
                lowest -= 1
                known[epoch.name] = lowest
                self._db.execute("INSERT INTO epoch VALUES (?, ?, ?)", (lowest, epoch.name, epoch.last_seq))
            self._db.execute(
                "UPDATE epoch SET last_seq = max(last_seq, ?) WHERE id = ?", (epoch.last_seq, known[epoch.name])
            )
        return known

    def _boot_numbers(self, boots: Mapping[int, OldBoot]) -> dict[int, int]:
        """Return this file's numbers of the old boots: below zero, and such that their own can be told from them."""
        here: dict[tuple[str, int], int] = {
            (boot_id, number % TAKEN_STRIDE): number
            for number, boot_id in self._db.execute("SELECT number, boot_id FROM boot WHERE number < 0")
        }
        (lowest,) = self._db.execute("SELECT min(0, min(number)) FROM boot").fetchone()
        base = lowest // TAKEN_STRIDE
        given: dict[int, int] = {}
        for number, boot in boots.items():
            group = number // TAKEN_STRIDE if number < 0 else 0
            fresh = (base + group - 1) * TAKEN_STRIDE + number % TAKEN_STRIDE
            given[number] = here.get((boot.boot_id, number % TAKEN_STRIDE), fresh)
            self._db.execute(
                "INSERT INTO boot VALUES (?, ?, ?) ON CONFLICT (number) DO UPDATE SET anchor = ifnull(anchor, ?)",
                (given[number], boot.boot_id, boot.anchor, boot.anchor),
            )
        return given

    # -- rows

    def _take_window(
        self, old: OldOutbox, epoch: OldEpoch, epoch_id: int, boots: Mapping[int, int], window: Range, result: Result
    ) -> None:
        done = self.taken(epoch.name)
        for first, last in done.missing(*window):
            rows, unreadable = old.read(epoch, first, last)
            result.give_up(epoch.name, "unreadable", unreadable)
            result.unreadable += sum(high - low + 1 for low, high in unreadable)
            if not rows:
                continue
            with transaction(self._db):
                self._full = self._full or caps.used_bytes(self._db) >= _FULL_SHARE * self._limits.max_bytes
                if not self._full:
                    self._insert(epoch_id, rows, boots)
                    self._note(epoch.name, ((row.seq, row.seq) for row in rows))
            if self._full:
                result.dropped += len(rows)
                result.give_up(epoch.name, "outbox_full", ((row.seq, row.seq) for row in rows))
            else:
                result.rows += len(rows)

    def _insert(self, epoch_id: int, rows: Iterable[OldRow], boots: Mapping[int, int]) -> None:
        known: dict[str, int] = {}
        for row in rows:
            if row.series not in known:  # a row at a time: series that no row uses are forgotten now and then
                known[row.series] = series_id(self._db, row.series)
            boot_no = boots.get(row.boot_no, -TAKEN_STRIDE)
            self._db.execute(
                "INSERT OR IGNORE INTO waiting VALUES (?, ?, ?, ?, ?, ?)",
                (epoch_id, row.seq, boot_no, row.mono_ms, known[row.series], row.content),
            )

    def _note(self, epoch: str, ranges: Iterable[Range]) -> None:
        """Remember that these seqs have been seen to."""
        done = self.taken(epoch)
        for first, last in ranges:
            done.add(first, last)
        self._db.execute("DELETE FROM taken WHERE epoch = ?", (epoch,))
        self._db.executemany("INSERT INTO taken VALUES (?, ?, ?)", [(epoch, *part) for part in done])

    # -- what is told of it

    def _tell(self, old: OldOutbox, result: Result) -> None:
        """Within a transaction: say, once, which seqs do not come, and what the old box could not record."""
        for (epoch, reason), seqs in result.given_up.items():
            parts = list(seqs)
            if parts:
                self._say([caps.tombstone(parts[0][0], parts[-1][1], len(seqs), reason, epoch)])
                self._note(epoch, parts)
        said = f"reserve_taken:{old.epochs[0].name}"
        if old.spans and (start.get_meta(self._db, said) or 0) < old.reserve_generation:
            self._say([told_by_reserve(span) for span in old.spans])
            start.set_meta(self._db, said, old.reserve_generation)
            result.spans = len(old.spans)
        result.dead_letters = self._take_dead_letters(old)

    def _say(self, readings: Iterable[Reading]) -> None:
        (epoch_id,) = self._db.execute("SELECT max(id) FROM epoch").fetchone()
        (boot_no,) = self._db.execute("SELECT max(number) FROM boot").fetchone()
        insert(self._db, epoch_id, boot_no, readings, start.get_meta(self._db, start.LAST_MONO) or 0)

    def _take_dead_letters(self, old: OldOutbox) -> int:
        """Keep what the server had refused of the old box, as far as there is room beside this box's own."""
        (held,) = self._db.execute("SELECT count(*) FROM dead_letter").fetchone()
        letters = old.dead_letters()[-max(1, self._limits.dead_letter_rows - held) :]
        taken = 0
        for epoch, seq, *rest in letters:
            known = self._db.execute("SELECT 1 FROM dead_letter WHERE epoch = ? AND seq = ?", (epoch, seq)).fetchone()
            if known is None:
                self._db.execute(
                    "INSERT INTO dead_letter (epoch, seq, boot_no, mono_ms, series, content, reason) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (epoch, seq, *rest),
                )
                taken += 1
        return taken
