"""Rows as arrays: one channel a series, cut into a batch's tables without ever making a row object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aldea.model.columns import Bools, Floats, Ints, Table
from aldea.model.sample import Tags, tags_of
from aldea.model.wire import Column


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """One column of a channel: integers as the wire has them, and which are known (None: all)."""

    name: str
    code: str
    numbers: Ints
    present: Bools | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Channel:
    """All rows of one series within a boot, in order of seq."""

    measurement: str
    tags: Tags
    seqs: Ints
    mono_ms: Ints
    values: tuple[Values, ...]

    def between(self, first_seq: int, last_seq: int) -> Table | None:
        """Return its rows from `first_seq` to `last_seq` as a table of a batch that starts there; None without."""
        low = int(np.searchsorted(self.seqs, first_seq))
        high = int(np.searchsorted(self.seqs, last_seq, side="right"))
        if low == high:
            return None
        columns: list[tuple[Column, Ints]] = []
        presence: dict[str, Bools] = {}
        for item in self.values:
            present = None if item.present is None else item.present[low:high]
            if present is not None and not present.any():
                continue
            if present is not None and not present.all():
                presence[item.name] = present
            numbers, texts = _needed(item.numbers[low:high], item.texts)
            columns.append((Column(item.name, item.code, item.name in presence, texts), numbers))
        offsets = self.seqs[low:high] - first_seq
        return Table(self.measurement, self.tags, offsets, self.mono_ms[low:high], columns, presence)


def _needed(numbers: Ints, texts: tuple[str, ...]) -> tuple[Ints, tuple[str, ...]]:
    """Return a piece of a text column with only the texts that it uses."""
    if len(texts) < 2:
        return numbers, texts
    used, places = np.unique(numbers, return_inverse=True)
    return places.astype(np.int64), tuple(texts[number] for number in used)


def channel(measurement: str, tags: Mapping[str, str], seqs: Ints, mono_ms: Ints, *values: Values) -> Channel:
    """Return a channel. What is not known is written as 0, so that the same rows are the same numbers."""
    kept = tuple(
        item
        if item.present is None
        else Values(item.name, item.code, np.where(item.present, item.numbers, 0), item.present, item.texts)
        for item in values
    )
    return Channel(measurement, tags_of(tags), seqs, mono_ms, kept)


def real(name: str, decimals: int, numbers: Floats, present: Bools | None = None) -> Values:
    """Return reals, rounded to `decimals`."""
    return Values(name, str(decimals), np.rint(numbers * 10.0**decimals).astype(np.int64), present)


def whole(name: str, numbers: Ints, present: Bools | None = None) -> Values:
    """Return whole numbers."""
    return Values(name, "i", numbers.astype(np.int64), present)


def flag(name: str, numbers: Bools) -> Values:
    """Return flags."""
    return Values(name, "b", numbers.astype(np.int64))


def word(name: str, text: str, where: Bools) -> Values:
    """Return one text where it applies, nothing elsewhere."""
    return Values(name, "s", np.zeros(len(where), np.int64), where, (text,))
