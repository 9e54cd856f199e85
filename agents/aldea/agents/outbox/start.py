"""What a start of the agent writes down first: which boot this is, and what became of the one before."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from aldea.agents.outbox.database import Origin
from aldea.agents.outbox.records import Boot, Machine, Stopped
from aldea.agents.outbox.reserve import ENDINGS, Span
from aldea.agents.outbox.selection import boot_of
from aldea.model.sample import Reading, Value
from aldea.model.starts import StartCause

CLEAN = "clean_stop"
LAST_MONO = "last_mono_ms"
VERSION = "version"
OWNER = "owner"
PREVIOUS_LAST_MONO = "previous_last_mono_ms"
FOLLOW_UP_DUE = "follow_up_due"
RESERVE_TOLD = "reserve_told"
RESERVE_SEEN = "reserve_seen"
_WITHIN_BOOT = {
    Stopped.CUT_OFF: StartCause.CRASHED,
    Stopped.ALONE: StartCause.STOPPED,
    Stopped.WITH_THE_MACHINE: StartCause.STOPPED,
    Stopped.FOR_SETTINGS: StartCause.SETTINGS,
}
_TOLERANCE_MS = 600_000  # an oscillator may drift by minutes in a month


def get_meta(db: sqlite3.Connection, name: str) -> int | None:
    """Return a number that the outbox remembers."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def get_text(db: sqlite3.Connection, name: str) -> str | None:
    """Return a text that the outbox remembers."""
    row = db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None or row[0] is None else str(row[0])


def set_meta(db: sqlite3.Connection, name: str, value: int | str | None) -> None:
    """Remember a number or a text."""
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))


def register_start(
    db: sqlite3.Connection,
    machine: Machine,
    origin: Origin,
    mono_ms: int,
    *,
    again: bool = False,
    unopened: Sequence[Span] = (),
) -> tuple[Boot, Reading]:
    """Within a transaction: number this boot, and return it with the `boot` reading that tells of the start.

    `kind` is `boot`, or `restart` when only the agent started again; `cause` why it was not running before;
    `silent_seconds` is how long it was silent within the boot; `outbox` says whether the file was kept, and why not.
    `again`: the file broke under a running agent. `unopened`: when starts before this one could not open the file.
    """
    _take_unopened(db, machine, unopened)
    before = _newest_boot(db)
    same = before is not None and before.boot_id == machine.boot_id
    stopped = None if before is None else _stopped(get_meta(db, CLEAN) or 0)
    last_mono_ms = get_meta(db, LAST_MONO)
    previous_version = get_text(db, VERSION)
    upgraded = previous_version is not None and previous_version != machine.version
    cause = StartCause.OUTBOX_LOST if again else _cause(origin, stopped, same=same, upgraded=upgraded)
    fields: dict[str, Value] = {
        # A file that breaks under a running agent tells of a new file, not of a new boot.
        "kind": "restart" if again or same else "boot",
        "previous_boot_id": None if same or before is None else before.boot_id,
        "clean": None if stopped is None else _was_in_order(stopped, same=same),
        "silent_seconds": max(0, mono_ms - last_mono_ms) / 1000 if same and last_mono_ms is not None else None,
        "outbox": origin.value,
        "version": machine.version,
        "cause": cause.value,
        "previous_version": previous_version if upgraded else None,
        "clock": machine.clock or None,
    }
    boot = before if same and before is not None else _new_boot(db, machine, before, last_mono_ms)
    set_meta(db, CLEAN, 0)
    set_meta(db, LAST_MONO, mono_ms)
    set_meta(db, VERSION, machine.version)
    if machine.owner:
        set_meta(db, OWNER, machine.owner)
    return boot, Reading("boot", fields)


def _stopped(number: int) -> Stopped:
    """Return how the run before ended; a word of a newer version than this one is some orderly end."""
    return Stopped(number) if number in set(Stopped) else Stopped.ALONE


def _newest_boot(db: sqlite3.Connection) -> Boot | None:
    row = db.execute("SELECT number FROM boot ORDER BY number DESC LIMIT 1").fetchone()
    return None if row is None else boot_of(db, row[0])


def _take_unopened(db: sqlite3.Connection, machine: Machine, unopened: Sequence[Span]) -> None:
    """Put down the boots in which the agent ran without its file, and how the last of them ended.

    Else the boot before them would seem to have been the last. What this very boot could not open is no other start.
    """
    for span in unopened:
        before = _newest_boot(db)
        if before is None or span.count or span.boot_id == machine.boot_id:
            continue
        last_mono_ms = span.to_mono_ms
        if before.boot_id == span.boot_id:
            last_mono_ms = max(last_mono_ms, get_meta(db, LAST_MONO) or 0)
        elif db.execute("SELECT 1 FROM boot WHERE boot_id = ?", (span.boot_id,)).fetchone() is None:
            db.execute("INSERT INTO boot (number, boot_id) VALUES (?, ?)", (before.number + 1, span.boot_id))
        else:
            continue
        set_meta(db, LAST_MONO, last_mono_ms)
        set_meta(db, CLEAN, int(ENDINGS.get(span.reason, Stopped.CUT_OFF)))


def _cause(origin: Origin, stopped: Stopped | None, *, same: bool, upgraded: bool) -> StartCause:
    """Say why the agent was not running before this start."""
    if stopped is None:
        return StartCause.FIRST if origin is Origin.NEW else StartCause.OUTBOX_LOST
    if same:
        if upgraded:
            return StartCause.UPGRADED
        return _WITHIN_BOOT[stopped]
    if stopped is Stopped.WITH_THE_MACHINE:
        return StartCause.SHUT_DOWN
    return StartCause.STOPPED if stopped is Stopped.ALONE else StartCause.POWER_LOST


def _was_in_order(stopped: Stopped, *, same: bool) -> bool:
    """Say whether the silence began in order; an agent that meant to start again at once was cut off meanwhile."""
    return stopped is not Stopped.CUT_OFF and (same or stopped is not Stopped.FOR_SETTINGS)


def _new_boot(db: sqlite3.Connection, machine: Machine, before: Boot | None, last_mono_ms: int | None) -> Boot:
    boot = Boot(1 if before is None else before.number + 1, machine.boot_id)
    db.execute("INSERT INTO boot (number, boot_id) VALUES (?, ?)", (boot.number, boot.boot_id))
    # Rows of boots long gone need no boot record.
    db.execute(
        "DELETE FROM boot WHERE number < ? AND number NOT IN (SELECT DISTINCT boot_no FROM waiting)",
        (boot.number - 1,),
    )
    set_meta(db, PREVIOUS_LAST_MONO, last_mono_ms)
    set_meta(db, FOLLOW_UP_DUE, None if before is None else before.number)
    return boot


def forget_wrong_anchors(db: sqlite3.Connection, number: int, started_ms: int) -> None:
    """Forget the anchors by which rows of boots before `number` would be later than its start at `started_ms`.

    Boots of another box, whose numbers are negative, may well have gone on after it.
    """
    ends = db.execute(
        "SELECT boot_no, max(mono_ms) FROM waiting WHERE boot_no > 0 AND boot_no < ? GROUP BY boot_no", (number,)
    )
    for earlier, last_mono_ms in ends.fetchall():
        anchor = boot_of(db, earlier).anchor
        if anchor is not None and anchor.offset_ms + last_mono_ms > started_ms + _TOLERANCE_MS:
            db.execute("UPDATE boot SET anchor = NULL WHERE number = ?", (earlier,))
