"""The book of records: every version of what was entered at this box, and how far each has come."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from aldea.agents.records.entry import Entry, NewEntry, RecordRefused, State, entry_of
from aldea.agents.records.store import Store
from aldea.agents.records.versions import NEWEST, ON_DAY, SOMETHING_ON_DAY, next_number, stored_before
from aldea.model.catalogue.kinds import LONG_TEXT
from aldea.model.forms.envelope import payload_text
from aldea.model.intervals import Range

NAME = "records.db"
REASON_LIMIT = 200
MOST_VERSIONS = 20_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS version (
    id INTEGER PRIMARY KEY AUTOINCREMENT, record TEXT NOT NULL, version INTEGER NOT NULL, form TEXT NOT NULL,
    form_version TEXT NOT NULL, programme TEXT NOT NULL, event_date TEXT NOT NULL, payload TEXT NOT NULL,
    withdrawn INTEGER NOT NULL, reason TEXT NOT NULL, made_ms INTEGER, token TEXT UNIQUE, state TEXT NOT NULL,
    epoch TEXT, seq INTEGER, sentences TEXT NOT NULL DEFAULT '{}', UNIQUE (record, version)
);
CREATE INDEX IF NOT EXISTS version_state ON version (state);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class RecordBook:
    """The records of this box. Threads may share it. Raises sqlite3.Error where the disk does not allow it."""

    def __init__(self, folder: Path) -> None:
        self._store = Store(folder / NAME, _SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    # -- what people do

    def enter(self, new: NewEntry) -> Entry:
        """Store a record, or the next version of one; the same form sent again is answered with what it stored.

        So is another one of ONCE_A_DAY, while the one of that day counts.

        Raises RecordRefused: `too_long` for content that no row can carry, `changed` when somebody corrected the
        record since, `no_reason` for a correction without one, `gone` for a record that is not here.
        """
        text = payload_text(new.payload)
        if len(text) > LONG_TEXT:
            raise RecordRefused("too_long")
        return self._add(new, text, withdrawn=False)

    def withdraw(
        self,
        record: str,
        reason: str,
        *,
        token: str | None = None,
        made_ms: int | None = None,
        based_on: int | None = None,
    ) -> Entry:
        """Let a record count no more, by a version that says why; a withdrawn one stays as it is.

        `based_on`: the version the person saw. Raises RecordRefused: `gone`, `changed`, `no_reason`.
        """
        last = self.newest(record)
        if last is None:
            raise RecordRefused("gone")
        if last.withdrawn:
            return last
        seen = last.version if based_on is None else based_on
        said = (last.form, last.form_version, last.event_date, last.payload, last.programme)
        new = NewEntry(*said, token, record, seen, reason, made_ms)
        return self._add(new, payload_text(last.payload), withdrawn=True)

    def _add(self, new: NewEntry, text: str, *, withdrawn: bool) -> Entry:
        with self._store.writing() as db:
            stored = stored_before(db, new)
            if stored is not None:
                return entry_of(stored)
            number = next_number(db, new)
            cursor = db.execute(
                "INSERT INTO version (record, version, form, form_version, programme, event_date, payload, withdrawn, "
                "reason, made_ms, token, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    new.record or secrets.token_hex(16),
                    number,
                    new.form,
                    new.form_version,
                    new.programme,
                    new.event_date,
                    text,
                    withdrawn,
                    new.reason.strip()[:REASON_LIMIT],
                    new.made_ms,
                    new.token,
                    State.KEPT.value,
                ),
            )
            return entry_of(db.execute("SELECT * FROM version WHERE id = ?", (cursor.lastrowid,)).fetchone())

    # -- what there is

    def newest(self, record: str) -> Entry | None:
        """Return the version of a record that counts, None when there is no such record."""
        found = self.versions(record)
        return found[-1] if found else None

    def versions(self, record: str) -> tuple[Entry, ...]:
        """Return every version of a record, oldest first."""
        return self._select("WHERE record = ? ORDER BY version", (record,))

    def listed(self, *, limit: int = 20, before: int | None = None) -> tuple[Entry, ...]:
        """Return newest versions, last entered first, from before the one with the id `before`."""
        end = 2**62 if before is None else before
        return self._select(f"WHERE {NEWEST} AND id < ? ORDER BY id DESC LIMIT ?", (end, limit))

    def on_day(self, form: str, event_date: str) -> tuple[Entry, ...]:
        """Return the newest versions of a form's records with that day, withdrawn ones not."""
        return self._select(f"WHERE {ON_DAY} ORDER BY id", (form, event_date))

    def holds_something_of(self, event_date: str) -> bool:
        """Say whether something happened on a day by what was entered; withdrawn records say nothing."""
        return bool(self._select(f"WHERE {SOMETHING_ON_DAY} LIMIT 1", (event_date,)))

    def by_token(self, token: str) -> Entry | None:
        """Return what a form stored, None when it was not sent yet."""
        found = self._select("WHERE token = ?", (token,))
        return found[0] if found else None

    def in_state(self, state: State, limit: int = 200) -> tuple[Entry, ...]:
        """Return versions in a state, in the order in which they were entered."""
        return self._select("WHERE state = ? ORDER BY id LIMIT ?", (state.value, limit))

    def given_back(self, limit: int = 50) -> tuple[Entry, ...]:
        """Return the records that the server gave back and nobody has seen to, the last entered first."""
        return self._select(f"WHERE state = 'returned' AND {NEWEST} ORDER BY id DESC LIMIT ?", (limit,))

    def counts(self) -> Mapping[State, int]:
        """Return how many records there are by the state of their newest version."""
        with self._store.reading() as db:
            rows = db.execute(f"SELECT state, count(*) FROM version WHERE {NEWEST} GROUP BY state").fetchall()  # noqa: S608 - constant
        return dict.fromkeys(State, 0) | {State(state): int(count) for state, count in rows}

    def _select(self, where: str, values: Sequence[object]) -> tuple[Entry, ...]:
        with self._store.reading() as db:
            rows = db.execute(f"SELECT * FROM version {where}", values).fetchall()  # noqa: S608 - our own constants
        return tuple(entry_of(row) for row in rows)

    # -- how far they come

    def placed(self, entry: Entry, epoch: str, seq: int) -> None:
        """Note the row of the outbox that carries a version."""
        self._move(entry, State.KEPT, State.IN_OUTBOX, (epoch, seq))

    def lost_its_row(self, entry: Entry) -> None:
        """Note that the outbox has the row no more and nothing says that it arrived: it goes again."""
        self._move(entry, State.IN_OUTBOX, State.KEPT, (None, None))

    def _move(self, entry: Entry, before: State, after: State, place: tuple[str | None, int | None]) -> None:
        with self._store.writing() as db:
            db.execute(
                "UPDATE version SET state = ?, epoch = ?, seq = ? "
                "WHERE id = ? AND state = ? AND epoch IS ? AND seq IS ?",
                (after.value, *place, entry.id, before.value, entry.epoch, entry.seq),
            )

    def arrived(self, epoch: str, ranges: Iterable[Range]) -> None:
        """Note that the server has these rows of the outbox."""
        with self._store.reading() as db:
            waiting = {
                row["seq"]: row["id"]
                for row in db.execute("SELECT id, seq FROM version WHERE state = 'in_outbox' AND epoch = ?", (epoch,))
            }
        if not waiting:
            return
        safe = [(waiting[seq],) for first, last in ranges for seq in waiting if first <= seq <= last]
        if safe:
            with self._store.writing() as db:
                db.executemany("UPDATE version SET state = 'delivered' WHERE id = ? AND state = 'in_outbox'", safe)

    def returned(self, record: str, version: int, sentences: Mapping[str, Sequence[str]]) -> bool:
        """Note that the server gave a version back, and why; say whether it is one of ours."""
        with self._store.writing() as db:
            cursor = db.execute(
                "UPDATE version SET state = 'returned', sentences = ? "
                "WHERE record = ? AND version = ? AND state <> 'laid_aside'",
                (json.dumps(sentences, ensure_ascii=False), record, version),
            )
            return cursor.rowcount > 0

    def lay_aside(self, record: str) -> bool:
        """Leave a record that was given back as it is; say whether it was one."""
        with self._store.writing() as db:
            cursor = db.execute(
                f"UPDATE version SET state = 'laid_aside' WHERE record = ? AND state = 'returned' AND {NEWEST}",  # noqa: S608 - constant
                (record,),
            )
            return cursor.rowcount > 0

    def thin_out(self, before_ms: int) -> int:
        """Forget records that are done with and were made before `before_ms`; return how many versions.

        Done with: nothing of them is on its way, and the newest version has arrived or was laid aside. Beyond
        MOST_VERSIONS the oldest of these go as well. The others stay in any case.
        """
        waits = f"state IN ('kept', 'in_outbox') OR (state = 'returned' AND {NEWEST})"
        done = f"record NOT IN (SELECT record FROM version WHERE {waits})"  # noqa: S608 - constant
        young = "record IN (SELECT record FROM version WHERE made_ms IS NULL OR made_ms >= ?)"
        with self._store.writing() as db:
            old = f"DELETE FROM version WHERE {done} AND NOT {young}"  # noqa: S608 - constant
            gone = db.execute(old, (before_ms,)).rowcount
            (count,) = db.execute("SELECT count(*) FROM version").fetchone()
            if count > MOST_VERSIONS:
                # Whole records, and some room, so that it happens seldom.
                excess = f"SELECT record FROM version WHERE {done} ORDER BY id LIMIT ?"  # noqa: S608 - constant
                gone += db.execute(
                    f"DELETE FROM version WHERE record IN ({excess})",  # noqa: S608 - constant
                    (count - MOST_VERSIONS + 500,),
                ).rowcount
        return gone

    # -- what the book remembers besides

    def remembered(self, name: str) -> str | None:
        """Return a text that was remembered under a name."""
        with self._store.reading() as db:
            row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Remember a text under a name."""
        with self._store.writing() as db:
            db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))
