"""What goes in and out of the outbox, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from aldea.model.sample import Row
from aldea.model.wire import Anchor


class OutboxUnavailable(Exception):
    """The outbox cannot be used just now; the message says why.

    `reason` is the word for a `not_recorded` row: `disk_full`, `read_only`, `disk_error` or `busy`.
    """

    def __init__(self, message: str, reason: str = "disk_error") -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Machine:
    """Which machine and which boot of it writes, and with which version of the agent.

    `hardware_id` is empty where nothing tells the machine from another. `clock` is how far its clock could be
    believed at the start, empty where nobody asked. `owner` is the site and the device that it measures for, as
    `site/device`; empty: it is not noted in the file.
    """

    hardware_id: str
    boot_id: str
    version: str
    clock: str = ""
    owner: str = ""


class Stopped(IntEnum):
    """How a run of the agent ended, as it wrote down itself.

    Not at all; in order; as the machine went down; or to start again at once with other settings.
    """

    CUT_OFF = 0
    ALONE = 1
    WITH_THE_MACHINE = 2
    FOR_SETTINGS = 3


@dataclass(frozen=True, slots=True)
class Before:
    """The machine's boot before this one, of which a `boot` row is still to tell more. `last_mono_ms` is its end."""

    boot: Boot
    last_mono_ms: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the outbox may hold before the oldest rows go. Age counts from the row's own time."""

    max_bytes: int = 60_000_000
    max_age_ms: int = 30 * 86_400_000
    dead_letter_rows: int = 1_000


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot as the outbox numbers it, with its anchor once known."""

    number: int
    boot_id: str
    anchor: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Rows that may travel together: consecutive seqs of one epoch and of one boot; at least one."""

    epoch: str
    boot: Boot
    rows: tuple[Row, ...]

    @property
    def first_seq(self) -> int:
        """The seq of the first row."""
        return self.rows[0].seq

    @property
    def last_seq(self) -> int:
        """The seq of the last row."""
        return self.rows[-1].seq


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A row that the server will never take, with the reason it gave."""

    epoch: str
    row: Row
    reason: str


@dataclass(frozen=True, slots=True)
class Stats:
    """How full the outbox is."""

    rows: int
    used_bytes: int
    dead_letter_rows: int
