"""Blocks of columns as line protocol. No object per row: one template per series, filled column by column.

    ping,device=agent,epoch=0123abcd,site=norte-01,target=gateway sent=3i,loss_ratio=0e-4 1750000000000000001

The time is the row's wall millisecond plus its seq modulo a million in nanoseconds. Together with the epoch's
first eight digits as a tag that keeps two rows apart whatever their times, and lets a row written again
overwrite itself. A column's type is the catalogue's, so that one odd agent cannot settle a field's type for all;
numbers the catalogue does not list are floats.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

from aldea.model.catalogue import Kind, field_of
from aldea.model.columns import Block, Ints, TimedBatch
from aldea.model.wire import BlockSpec, Header
from aldea.storage.series.influx.words import PRESENT, key_out, line_text, line_word, series_prefix

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one block, and whose they are."""

    text: bytes
    spec: BlockSpec
    header: Header

    def __str__(self) -> str:
        header = self.header
        return (
            f"{self.spec.measurement} of {header.site}/{header.device}, epoch {header.epoch},"
            f" seqs {header.first_seq} to {header.last_seq}"
        )


def block_lines(timed: TimedBatch, block: Block) -> Lines:
    """Return a block as line protocol with times in nanoseconds."""
    header, spec = timed.batch.header, block.spec
    prefix = series_prefix(header.site, header.device, header.epoch, spec.measurement, spec.tags)
    # Blocks are often of a handful of rows, for which plain lists are far quicker than small arrays.
    numbers = block.data.tolist()
    writers = _writers(spec.measurement, tuple([(column.name, column.code) for column in spec.columns]))
    presences: list[list[int]] = []
    parts: list[_Part] = []
    place = 2
    for column, (form, write) in zip(spec.columns, writers, strict=True):
        presence = -1
        if column.nullable:
            presence = len(presences)
            presences.append(numbers[place])
            place += 1
        values = numbers[place]
        if column.code == "s":
            values = _texts(column.texts, values)
        elif write is not None:
            values = [write(value) for value in values]
        parts.append((form, values, presence))
        place += 1
    offset_ms, first_seq = timed.offset_ms, header.first_seq
    stamps = [
        (mono_ms + offset_ms) * NS_PER_MS + (offset + first_seq) % NS_PER_MS
        for offset, mono_ms in zip(numbers[0], numbers[1], strict=True)
    ]
    text = _fill(prefix, parts, stamps) if not presences else _by_presence(prefix, parts, presences, stamps)
    return Lines(text.encode(), spec, header)


def row_stamps(timed: TimedBatch, block: Block) -> Ints:
    """Return each row's time in nanoseconds, its seq in the last six digits, as `block_lines` writes it."""
    seqs = block.offsets + timed.batch.header.first_seq
    stamps: Ints = (block.mono_ms + timed.offset_ms) * NS_PER_MS + seqs % NS_PER_MS
    return stamps


_Part = tuple[str, list[Any], int]
"""A column: its `key=%format`, its values, and which presence tells whether a row has it (-1: all have)."""


def _by_presence(prefix: str, parts: Sequence[_Part], presences: Sequence[list[int]], stamps: list[int]) -> str:
    """Write the rows, one template for each set of fields that rows have in common."""
    patterns = list(zip(*presences, strict=True))
    if patterns.count(patterns[0]) == len(patterns):  # as most blocks are: no failure, or always the same one
        return _fill(prefix, _present(parts, patterns[0]), stamps)
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, pattern in enumerate(patterns):
        groups.setdefault(pattern, []).append(row)
    texts: list[str] = []
    for pattern, rows in groups.items():
        here = [(form, [values[row] for row in rows], -1) for form, values, _ in _present(parts, pattern)]
        texts.append(_fill(prefix, here, [stamps[row] for row in rows]))
    return "\n".join(texts)


def _present(parts: Sequence[_Part], pattern: tuple[int, ...]) -> list[_Part]:
    """Return the columns that rows with this pattern of presences have."""
    return [part for part in parts if part[2] < 0 or pattern[part[2]]]


def _fill(prefix: str, parts: Sequence[_Part], stamps: list[int]) -> str:
    """Write rows that all have the same fields."""
    forms, columns = [], []
    for form, values, _ in parts:
        # What is the same in all rows is written once: half the columns of most blocks.
        if values.count(values[0]) == len(values):
            forms.append((form % values[0]).replace("%", "%%"))
        else:
            forms.append(form)
            columns.append(values)
    template = prefix.replace("%", "%%") + (",".join(forms) or f"{PRESENT}=t") + " %d"
    # All lines at once: one by one costs half as much again.
    return "\n".join([template] * len(stamps)) % tuple(chain.from_iterable(zip(*columns, stamps, strict=True)))


def _texts(texts: Sequence[str], numbers: list[int]) -> list[str]:
    # An absent value repeats the one before, which need not point at a text.
    words = [line_text(text) for text in texts] or ['""']
    if len(words) == 1:
        return words * len(numbers)
    last = len(words) - 1
    return [words[min(max(number, 0), last)] for number in numbers]


_Writer = tuple[str, Callable[[int], Any] | None]


@lru_cache(maxsize=4096)
def _writers(measurement: str, columns: tuple[tuple[str, str], ...]) -> list[_Writer]:
    """Return for each column its `key=%format`, and what makes its numbers fit the format."""
    found: list[_Writer] = []
    for name, code in columns:
        form, write = _format(_kind(measurement, name, code), code)
        found.append((line_word(key_out(name)).replace("%", "%%") + "=" + form, write))
    return found


def _format(kind: Kind, code: str) -> _Writer:
    if code == "s":
        return "%s", None
    if kind is Kind.FLAG:
        return "%s", lambda number: "t" if number else "f"
    if code in "ib0":
        return ("%di" if kind is Kind.INTEGER else "%d"), None
    if kind is Kind.INTEGER:
        scale: int = 10 ** int(code)
        return "%di", lambda number: round(number / scale)
    # 12345 with four decimals is 12345e-4: the same float, and an integer is quick to write.
    return f"%de-{code}", None


def _kind(measurement: str, name: str, code: str) -> Kind:
    """Return the type that a field has in the database; it must be the same for all agents and versions."""
    listed = field_of(measurement, name)
    if listed is not None and listed.kind is not Kind.TEXT:
        return listed.kind
    return Kind.FLAG if code == "b" else Kind.REAL
