"""The parts of a batch: what the header states, and the words that every message shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aldea.model.clock import ClockState
from aldea.model.sample import Tags

VERSION = 0xA1
MAX_MESSAGE_BYTES = 256 * 1024
MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_ROWS = 50_000
MAX_SEQ = 2**53
DEFAULT_DECIMALS = 6


class Rejected(ValueError):
    """A batch that cannot be accepted: `reason` is a word for counting, the message a sentence for people."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Anchor:
    """Ties one boot's milliseconds to wall time: at `mono_ms` it was `wall_ms`, give or take `error_ms`.

    `source` is `ntp` (the machine's own clock, synchronised) or `server` (from an acknowledgement).
    """

    mono_ms: int
    wall_ms: int
    error_ms: int
    source: str

    @property
    def offset_ms(self) -> int:
        """What to add to milliseconds since boot to get milliseconds since 1970."""
        return self.wall_ms - self.mono_ms


@dataclass(frozen=True, slots=True)
class Header:
    """What a batch says of itself before its rows.

    Rows have the seqs `first_seq` to `first_seq + rows - 1`, each exactly once. `sent_*` is the moment of
    this sending, so a batch sent again has another header over the same rows. `past` says that the rows' boot is
    over: then `sent_mono_ms` counts from another boot than theirs.
    """

    site: str
    device: str
    epoch: str
    first_seq: int
    rows: int
    boot_id: str
    boot_no: int
    sent_mono_ms: int
    sent_wall_ms: int
    clock: ClockState
    anchor: Anchor | None = None
    past: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def last_seq(self) -> int:
        """The seq of the last row; `first_seq - 1` when there is none."""
        return self.first_seq + self.rows - 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a block: `code` is a digit (decimals), `i`, `b` or `s`; `texts` belongs to `s`."""

    name: str
    code: str
    nullable: bool
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockSpec:
    """What the header says of one block. `layout` is its columns as they were written: `sent:i loss_ratio:4`."""

    measurement: str
    tags: Tags
    rows: int
    columns: tuple[Column, ...]
    layout: str = ""
    width: int = field(default=0, compare=False)
    """Varints a row: seq, time, and one or two for each column. Counted unless it is given."""

    def __post_init__(self) -> None:
        if not self.width:
            object.__setattr__(self, "width", width_of(self.columns))


def width_of(columns: tuple[Column, ...]) -> int:
    """Return how many varints a row takes in a block with these columns."""
    return 2 + sum(2 if column.nullable else 1 for column in columns)
