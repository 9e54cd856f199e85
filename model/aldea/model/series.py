"""What a series store is: written in batches of columns, read as series. Server only (numpy)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as default
from enum import StrEnum
from typing import Protocol

from aldea.model.columns import Floats, Ints, TimedBatch
from aldea.model.sample import Tags, Value


class Aggregate(StrEnum):
    """How the values of one step become one."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    SUM = "sum"
    COUNT = "count"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Query:
    """Which values to read: one field of one measurement at one site, from `start_ms` up to before `end_ms`.

    `step_ms` None gives every value; otherwise one value for each step that has any, stamped with the step's
    start (a multiple of `step_ms` since 1970). `tags` keeps the series whose tags include them.
    Text fields can be read without a step only, or with LAST or COUNT.
    """

    site: str
    measurement: str
    field: str
    start_ms: int
    end_ms: int
    step_ms: int | None = None
    aggregate: Aggregate = Aggregate.MEAN
    tags: Mapping[str, str] = default(default_factory=dict)
    device: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series' values in order of time. Reals, integers and flags come as floats, texts as a list."""

    device: str
    tags: Tags
    times_ms: Ints
    values: Floats | list[str]


@dataclass(frozen=True, slots=True)
class SeriesInfo:
    """A series that a store holds: which fields it has had."""

    device: str
    measurement: str
    tags: Tags
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest row of one series, as (time, fields)."""

    device: str
    measurement: str
    tags: Tags
    time_ms: int
    fields: Mapping[str, Value]


class StoreUnavailable(Exception):
    """The store does not answer, or can't just now: the same write is to be tried again later."""


class StoreRefused(Exception):
    """The store will never take this batch; the message says what it answered."""


class SeriesStore(Protocol):
    """Where samples live as time series. Every implementation passes tests/storage/series/ as it is.

    A row's identity is (site, device, epoch, seq): writing it again changes nothing, two rows never merge,
    even when they have the same series and millisecond. Methods may be called from several threads.
    """

    def write(self, batches: Sequence[TimedBatch]) -> None:
        """Store the rows durably; when this returns they can be read.

        Raises StoreUnavailable (try again) or StoreRefused (never).
        """
        ...

    def delete(self, batches: Sequence[TimedBatch]) -> None:
        """Remove exactly these rows at exactly these times: before they are written at other times."""
        ...

    def read(self, query: Query) -> list[Series]:
        """Return the series that match, each in order of time; none when nothing matches."""
        ...

    def latest(self, site: str) -> list[Latest]:
        """Return the newest row of each series of a site."""
        ...

    def catalogue(self, site: str) -> list[SeriesInfo]:
        """Return which series and fields a site has."""
        ...

    def delete_site(self, site: str) -> None:
        """Remove everything of a site: when a simulated site leaves."""
        ...

    def trim(self, before_ms: int) -> None:
        """Remove rows older than `before_ms`. Whole storage units may be kept until all of them is older."""
        ...

    def close(self) -> None:
        """Release files and connections."""
        ...
