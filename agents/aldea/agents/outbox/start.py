"""What a start of the agent writes down first: which boot this is, and what became of the one before."""

from __future__ import annotations

import sqlite3

from aldea.agents.outbox.database import Origin
from aldea.agents.outbox.records import Boot, Machine
from aldea.agents.outbox.selection import boot_of
from aldea.model.sample import Reading, Value

CLEAN = "clean_stop"
LAST_MONO = "last_mono_ms"
_TOLERANCE_MS = 600_000  # an oscillator may drift by minutes in a month


def get_meta(db: sqlite3.Connection, name: str) -> int | None:
    """Return a number that the outbox remembers."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def set_meta(db: sqlite3.Connection, name: str, value: int | None) -> None:
    """Remember a number."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def register_start(
    db: sqlite3.Connection, machine: Machine, origin: Origin, mono_ms: int, *, again: bool = False
) -> tuple[Boot, Reading]:
    """Within a transaction: number this boot, and return it with the `boot` reading that tells of the start.

    `kind` is `boot`, or `restart` when only the agent started again; `silent_seconds` is how long it was
    silent within the boot; `outbox` says whether the file was kept, and why not.
    """
    row = db.execute("SELECT number, boot_id FROM boot ORDER BY number DESC LIMIT 1").fetchone()
    fields: dict[str, Value] = {
        # A file that breaks under a running agent tells of a new file, not of a new boot.
        "kind": "restart" if again else "boot",
        "previous_boot_id": None,
        "clean": None,
        "silent_seconds": None,
        "outbox": origin.value,
        "version": machine.version,
    }
    if row is not None:
        fields["clean"] = get_meta(db, CLEAN) == 1
    if row is not None and row[1] == machine.boot_id:
        fields["kind"] = "restart"
        last = get_meta(db, LAST_MONO)
        fields["silent_seconds"] = None if last is None else max(0, mono_ms - last) / 1000
        boot = boot_of(db, row[0])
    else:
        fields["previous_boot_id"] = None if row is None else row[1]
        boot = Boot(1 if row is None else row[0] + 1, machine.boot_id)
        db.execute("INSERT INTO boot (number, boot_id) VALUES (?, ?)", (boot.number, boot.boot_id))
        # Rows of boots long gone need no boot record.
        db.execute(
            "DELETE FROM boot WHERE number < ? AND number NOT IN (SELECT DISTINCT boot_no FROM waiting)",
            (boot.number - 1,),
        )
    set_meta(db, CLEAN, 0)
    set_meta(db, LAST_MONO, mono_ms)
    return boot, Reading("boot", fields)


def forget_wrong_anchors(db: sqlite3.Connection, number: int, started_ms: int) -> None:
    """Forget the anchors by which rows of boots before `number` would be later than its start at `started_ms`."""
    ends = db.execute("SELECT boot_no, max(mono_ms) FROM waiting WHERE boot_no < ? GROUP BY boot_no", (number,))
    for earlier, last_mono_ms in ends.fetchall():
        anchor = boot_of(db, earlier).anchor
        if anchor is not None and anchor.offset_ms + last_mono_ms > started_ms + _TOLERANCE_MS:
            db.execute("UPDATE boot SET anchor = NULL WHERE number = ?", (earlier,))
