"""`aldea agent take-over`: what an old disk still holds of this site, into this box's outbox."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aldea.agents.lock import AlreadyRunning
from aldea.agents.machine import hardware_id
from aldea.agents.old_disk import OldFiles, copies_of
from aldea.agents.outbox import Limits
from aldea.agents.outbox.database import NAME
from aldea.agents.outbox.old import CannotRead, OldOutbox, OldRow, find_files
from aldea.agents.outbox.taking_over import CannotTakeOver, NewOutbox, Result
from aldea.agents.page.words import Words, say
from aldea.agents.records.taking_over import count_new, take_records
from aldea.agents.settings import AgentSettings
from aldea.model.wire import Anchor

_DAY_MS = 86_400_000
Tell = Callable[[Words], None]


@dataclass(slots=True)
class Found:
    """What of one old file this box does not have yet: rows, when they are from, and what cannot be read."""

    rows: int = 0
    unreadable: int = 0
    timeless: int = 0
    from_ms: int | None = None
    to_ms: int | None = None

    def take(self, row: OldRow, offset_ms: int | None) -> None:
        """Count a row; `offset_ms` is where its boot stands in time, None where it never knew."""
        self.rows += 1
        if offset_ms is None:
            self.timeless += 1
            return
        at_ms = row.mono_ms + offset_ms
        self.from_ms = at_ms if self.from_ms is None else min(self.from_ms, at_ms)
        self.to_ms = at_ms if self.to_ms is None else max(self.to_ms, at_ms)


def take_over(settings: AgentSettings, given: Path, tell: Tell, agree: Callable[[], bool], site: str | None) -> bool:
    """Show what `given` (a folder, or a file) holds, and bring it in when `agree` says so; return whether it went well.

    `site` is what the person says the disk is of, for a file that does not say so itself. The agent may be running.
    Raises CannotTakeOver with a sentence; then nothing was changed.
    """
    folder = settings.data
    if not folder.is_dir():
        raise CannotTakeOver(
            say("%(folder)s is not there: let the agent run once on this box, then do this again", folder=folder)
        )
    paths = find_files(given)
    if not paths:
        raise CannotTakeOver(
            say(
                "%(folder)s holds no outbox: name the old disk's data folder, such as /media/usb/var/lib/aldea-agent",
                folder=given,
            )
        )
    own = (folder / NAME).resolve()
    paths = [path for path in paths if path.resolve() != own]
    if not paths:
        raise CannotTakeOver(
            say("%(folder)s is this box's own data folder, and nothing was put aside in it", folder=given)
        )
    try:
        with copies_of(folder, paths) as copies:
            return _take_all(settings, copies, tell, agree, site)
    except AlreadyRunning as error:
        raise CannotTakeOver(
            say("Another take-over is at work on this box: wait until it has ended, then do this again.")
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise CannotTakeOver(
            say("%(folder)s cannot be used (%(why)s); what was taken stays, do it again", folder=folder, why=error)
        ) from error


def _take_all(
    settings: AgentSettings, copies: list[OldFiles], tell: Tell, agree: Callable[[], bool], site: str | None
) -> bool:
    own = settings.outbox
    new = NewOutbox(settings.data, Limits(own.max_bytes, round(own.max_age_days * _DAY_MS)), hardware_id() or "")
    try:
        ready = [found for copy in copies if (found := _looked_at(settings, new, copy, tell, site)) is not None]
        if not ready:
            return len(copies) == 0
        try:
            people = _records_found(settings, copies, tell)
            if people + sum(found.rows + found.unreadable + len(old.spans) for old, found in ready) == 0:
                tell(say("There is nothing to take over: all of it was delivered, or taken over before."))
            elif not agree():
                tell(say("Nothing was changed."))
                return False
            for old, _ in ready:
                _report(new.take_over(old), tell)
            if people:
                _take_records(settings, copies[0], tell)
        finally:
            for old, _ in ready:
                old.close()
    finally:
        new.close()
    return len(ready) == len(copies)


def _records_found(settings: AgentSettings, copies: list[OldFiles], tell: Tell) -> int:
    found = count_new(settings.data, copies[0].book, copies[0].roster)
    if found.versions or found.people:
        tell(
            say(
                "Beside it: %(records)d records entered at the box's page, %(people)d people of its roster.",
                records=found.versions,
                people=found.people,
            )
        )
    if found.damaged:
        tell(say("Of the records and the roster not all can be read: look at /records which have arrived."))
    if found.clashes:
        tell(
            say(
                "%(n)d people of its roster bear codes that others have here: left out; enter them anew.",
                n=found.clashes,
            )
        )
    return found.versions + found.people


def _take_records(settings: AgentSettings, copy: OldFiles, tell: Tell) -> None:
    taken = take_records(settings.data, copy.book, copy.roster)
    tell(
        say(
            "Taken over: %(records)d records and %(people)d people. What has not arrived yet is handed over.",
            records=taken.versions,
            people=taken.people,
        )
    )


def _looked_at(
    settings: AgentSettings, new: NewOutbox, copy: OldFiles, tell: Tell, site: str | None
) -> tuple[OldOutbox, Found] | None:
    """Open a copy and tell what is in it; None for one from which nothing can be taken, after saying why."""
    try:
        old = OldOutbox(copy.path, copy.reserve)
    except CannotRead as error:
        tell(say("%(file)s: %(why)s. Left out.", file=copy.source, why=error.words))
        return None
    try:
        _check_owner(settings, old.owner or copy.owner, copy.source, site)
        found = _count(new, old)
    except BaseException:
        old.close()
        raise
    tell(_listed(copy.source, _described(found, old, copy)))
    return old, found


def _check_owner(settings: AgentSettings, owner: str | None, source: Path, site: str | None) -> None:
    mine = f"{settings.site}/{settings.device}"
    if owner is not None and owner != mine:
        raise CannotTakeOver(
            say(
                "%(file)s is of %(owner)s, and this box is %(mine)s: nothing was taken",
                file=source,
                owner=owner,
                mine=mine,
            )
        )
    if owner is None and site != settings.site:
        raise CannotTakeOver(
            say(
                "%(file)s does not say which site it is of; if it is of this one, add --of-site %(site)s",
                file=source,
                site=settings.site,
            )
        )


def _count(new: NewOutbox, old: OldOutbox) -> Found:
    found = Found()
    offsets = {number: _offset_ms(boot.anchor) for number, boot in old.boots.items()}
    for epoch in old.epochs:
        if new.is_own(epoch.name):
            continue
        done = new.taken(epoch.name)
        for window in old.windows(epoch):
            for part in done.missing(*window):
                rows, unreadable = old.read(epoch, *part)
                found.unreadable += sum(last - first + 1 for first, last in unreadable)
                for row in rows:
                    found.take(row, offsets.get(row.boot_no))
    return found


def _offset_ms(anchor: str | None) -> int | None:
    try:
        return None if anchor is None else Anchor(*json.loads(anchor)).offset_ms
    except (ValueError, TypeError):
        return None


def _listed(source: Path, parts: list[Words]) -> Words:
    """Return the parts as one sentence."""
    named: dict[str, object] = {f"part{number}": part for number, part in enumerate(parts)}
    text = ", ".join(f"%({name})s" for name in named)
    return Words(f"%(file)s: {text}.", {"file": source, **named})


def _described(found: Found, old: OldOutbox, copy: OldFiles) -> list[Words]:
    words = [say("%(n)d rows undelivered", n=found.rows)]
    if found.from_ms is not None and found.to_ms is not None:
        days = {"first": _day(found.from_ms), "last": _day(found.to_ms)}
        words.append(say("from %(first)s to %(last)s UTC", **days))
    counted = (
        (found.timeless, say("%(n)d of them from starts that never knew the time (the server places them)")),
        (found.unreadable, say("up to %(n)d that cannot be read")),
        (copy.bad_blocks, say("%(n)d blocks of the disk are dead")),
        (len(old.dead_letters()), say("%(n)d that the server had refused")),
        (len(old.spans), say("%(n)d times when nothing could be recorded")),
    )
    return [*words, *(Words(part.text, {"n": count}) for count, part in counted if count)]


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _report(result: Result, tell: Tell) -> None:
    if result.nothing():
        return
    tell(say("Taken over: %(n)d rows. The agent delivers them as it is on-line, beside its own.", n=result.rows))
    if result.dropped:
        tell(
            say(
                "The oldest %(n)d rows do not fit into this box's outbox and are reported as given up.",
                n=result.dropped,
            )
        )
    if result.unreadable:
        tell(say("Up to %(n)d rows that cannot be read are reported as given up.", n=result.unreadable))
