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
from aldea.agents.records.taking_over import count_new, take_records
from aldea.agents.settings import AgentSettings
from aldea.model.wire import Anchor

_DAY_MS = 86_400_000
Say = Callable[[str], None]


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


def take_over(settings: AgentSettings, given: Path, say: Say, agree: Callable[[], bool], site: str | None) -> bool:
    """Show what `given` (a folder, or a file) holds, and bring it in when `agree` says so; return whether it went well.

    `site` is what the person says the disk is of, for a file that does not say so itself. The agent may be running.
    Raises CannotTakeOver with a sentence; then nothing was changed.
    """
    folder = settings.data
    if not folder.is_dir():
        raise CannotTakeOver(f"{folder} is not there: let the agent run once on this box, then do this again")
    paths = find_files(given)
    if not paths:
        raise CannotTakeOver(
            f"{given} holds no outbox: name the old disk's data folder, such as /media/usb/var/lib/aldea-agent"
        )
    own = (folder / NAME).resolve()
    paths = [path for path in paths if path.resolve() != own]
    if not paths:
        raise CannotTakeOver(f"{given} is this box's own data folder, and nothing was put aside in it")
    try:
        with copies_of(folder, paths) as copies:
            return _take_all(settings, copies, say, agree, site)
    except AlreadyRunning as error:
        raise CannotTakeOver(str(error)) from error
    except (OSError, sqlite3.Error) as error:
        raise CannotTakeOver(f"{folder} cannot be used ({error}); what was taken stays, do it again") from error


def _take_all(
    settings: AgentSettings, copies: list[OldFiles], say: Say, agree: Callable[[], bool], site: str | None
) -> bool:
    own = settings.outbox
    new = NewOutbox(settings.data, Limits(own.max_bytes, round(own.max_age_days * _DAY_MS)), hardware_id() or "")
    try:
        ready = [found for copy in copies if (found := _looked_at(settings, new, copy, say, site)) is not None]
        if not ready:
            return len(copies) == 0
        try:
            people = _records_found(settings, copies, say)
            if people + sum(found.rows + found.unreadable + len(old.spans) for old, found in ready) == 0:
                say("There is nothing to take over: all of it was delivered, or taken over before.")
            elif not agree():
                say("Nothing was changed.")
                return False
            for old, _ in ready:
                _report(new.take_over(old), say)
            if people:
                _take_records(settings, copies[0], say)
        finally:
            for old, _ in ready:
                old.close()
    finally:
        new.close()
    return len(ready) == len(copies)


def _records_found(settings: AgentSettings, copies: list[OldFiles], say: Say) -> int:
    found = count_new(settings.data, copies[0].book, copies[0].roster)
    if found.versions or found.people:
        say(f"Beside it: {found.versions} records entered at the box's page, {found.people} people of its roster.")
    if found.clashes:
        say(f"{found.clashes} people of its roster bear codes that others have here: left out; enter them anew.")
    return found.versions + found.people


def _take_records(settings: AgentSettings, copy: OldFiles, say: Say) -> None:
    taken = take_records(settings.data, copy.book, copy.roster)
    say(f"Taken over: {taken.versions} records and {taken.people} people. What has not arrived yet is handed over.")


def _looked_at(
    settings: AgentSettings, new: NewOutbox, copy: OldFiles, say: Say, site: str | None
) -> tuple[OldOutbox, Found] | None:
    """Open a copy and tell what is in it; None for one from which nothing can be taken, after saying why."""
    try:
        old = OldOutbox(copy.path, copy.reserve)
    except CannotRead as error:
        say(f"{copy.source}: {error}. Left out.")
        return None
    try:
        _check_owner(settings, old.owner or copy.owner, copy.source, site)
        found = _count(new, old)
    except BaseException:
        old.close()
        raise
    say(f"{copy.source}: {_described(found, old, copy)}.")
    return old, found


def _check_owner(settings: AgentSettings, owner: str | None, source: Path, site: str | None) -> None:
    mine = f"{settings.site}/{settings.device}"
    if owner is not None and owner != mine:
        raise CannotTakeOver(f"{source} is of {owner}, and this box is {mine}: nothing was taken")
    if owner is None and site != settings.site:
        raise CannotTakeOver(
            f"{source} does not say which site it is of; if it is of this one, add --of-site {settings.site}"
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


def _described(found: Found, old: OldOutbox, copy: OldFiles) -> str:
    words = [f"{found.rows} rows undelivered"]
    if found.from_ms is not None and found.to_ms is not None:
        words.append(f"from {_day(found.from_ms)} to {_day(found.to_ms)} UTC")
    if found.timeless:
        words.append(f"{found.timeless} of them from starts that never knew the time (the server places them)")
    if found.unreadable:
        words.append(f"up to {found.unreadable} that cannot be read")
    if copy.bad_blocks:
        words.append(f"{copy.bad_blocks} blocks of the disk are dead")
    letters = len(old.dead_letters())
    if letters:
        words.append(f"{letters} that the server had refused")
    if old.spans:
        words.append(f"{len(old.spans)} times when nothing could be recorded")
    return ", ".join(words)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _report(result: Result, say: Say) -> None:
    if result.nothing():
        return
    say(f"Taken over: {result.rows} rows. The agent delivers them as it is on-line, beside its own.")
    if result.dropped:
        say(f"The oldest {result.dropped} rows do not fit into this box's outbox and are reported as given up.")
    if result.unreadable:
        say(f"Up to {result.unreadable} rows that cannot be read are reported as given up.")
