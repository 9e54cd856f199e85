"""Which version of a record is the next one, and whether what is to be stored is there already."""

from __future__ import annotations

import sqlite3

from aldea.agents.records.entry import NewEntry, RecordRefused

NEWEST = "version = (SELECT max(version) FROM version AS other WHERE other.record = version.record)"
ON_DAY = f"form = ? AND event_date = ? AND withdrawn = 0 AND {NEWEST}"
SOMETHING_ON_DAY = (
    f"event_date = ? AND form NOT IN ('nothing_today', 'nothing', 'power_note') AND withdrawn = 0 AND {NEWEST}"
)
"""A day without power, or a month's zero, is no sign that something happened that day."""
ONCE_A_DAY = frozenset({"nothing_today"})
"""Forms that say the same of a day however often they are sent: from two telephones at once, too."""


def stored_before(db: sqlite3.Connection, new: NewEntry) -> sqlite3.Row | None:
    """Return what the same form has stored, or another one that says the same."""
    found: sqlite3.Row | None = None
    if new.token is not None:
        found = db.execute("SELECT * FROM version WHERE token = ?", (new.token,)).fetchone()
    if found is None and new.record is None and new.form in ONCE_A_DAY:
        found = db.execute(f"SELECT * FROM version WHERE {ON_DAY}", (new.form, new.event_date)).fetchone()  # noqa: S608 - constant
    return found


def next_number(db: sqlite3.Connection, new: NewEntry) -> int:
    """Return the number of the version to be stored. Raises RecordRefused: `gone`, `changed`, `no_reason`."""
    if new.record is None:
        return 1
    row = db.execute("SELECT max(version) FROM version WHERE record = ?", (new.record,)).fetchone()
    if row[0] is None:
        raise RecordRefused("gone")
    if new.based_on is not None and new.based_on != row[0]:
        raise RecordRefused("changed")
    if not new.reason.strip():
        raise RecordRefused("no_reason")
    return int(row[0]) + 1
