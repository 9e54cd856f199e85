"""Blocks of columns as line protocol. No object per row: one template per series, filled column by column.

    ping,device=agent,epoch=0123abcd,site=norte-01,target=gateway sent=3i,loss_ratio=0e-4 1750000000000000001

The time is the row's wall millisecond plus its seq modulo a million in nanoseconds. Together with the epoch's
first eight digits as a tag that keeps two rows apart whatever their times, and lets a row written again
overwrite itself. A column's type is the catalogue's, so that one odd agent cannot settle a field's type for all;
numbers the catalogue does not list are floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from aldea.model.catalogue import Kind, field_of
from aldea.model.columns import Block, Bools, Ints, TimedBatch
from aldea.model.wire import Column, Header
from aldea.storage.series.influx.words import PRESENT, key_out, line_text, line_word, series_prefix

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of one block, and whose they are."""

    text: bytes
    rows: int
    origin: str


def block_lines(timed: TimedBatch, block: Block) -> Lines:
    """Return a block as line protocol with times in nanoseconds."""
    header = timed.batch.header
    prefix = series_prefix(header.site, header.device, header.epoch, block.spec.measurement, block.spec.tags).replace(
        "%", "%%"
    )
    stamps = row_stamps(timed, block)
    nullable = [column for column in block.spec.columns if column.nullable]
    if not nullable:
        text = _fill(prefix, block, block.spec.columns, stamps, None)
    else:
        text = "\n".join(_by_presence(prefix, block, nullable, stamps))
    origin = (
        f"{block.spec.measurement} of {header.site}/{header.device}, epoch {header.epoch},"
        f" seqs {header.first_seq} to {header.last_seq}"
    )
    return Lines(text.encode(), block.spec.rows, origin)


def row_stamps(timed: TimedBatch, block: Block) -> Ints:
    """Return each row's time in nanoseconds, its seq in the last six digits."""
    header: Header = timed.batch.header
    stamps: Ints = (block.mono_ms + timed.offset_ms) * NS_PER_MS + (block.offsets + header.first_seq) % NS_PER_MS
    return stamps


def _by_presence(prefix: str, block: Block, nullable: Sequence[Column], stamps: Ints) -> Iterable[str]:
    """Yield the lines of the rows that have the same fields, for each such set of fields."""
    marks: list[Bools] = []
    for column in nullable:
        found = block.column(column.name)
        assert found is not None
        assert found[2] is not None
        marks.append(found[2])
    patterns, which = np.unique(np.array(marks).T, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        absent = {column.name for column, here in zip(nullable, pattern, strict=True) if not here}
        columns = [column for column in block.spec.columns if column.name not in absent]
        rows = np.flatnonzero(which.reshape(-1) == number)
        yield _fill(prefix, block, columns, stamps, rows)


def _fill(
    prefix: str,
    block: Block,
    columns: Sequence[Column],
    stamps: Ints,
    rows: np.ndarray[tuple[int], np.dtype[np.intp]] | None,
) -> str:
    parts: list[str] = []
    filled: list[list[int] | list[str]] = []
    measurement = block.spec.measurement
    for column in columns:
        found = block.column(column.name)
        assert found is not None
        form, values = _values(measurement, column, found[1] if rows is None else found[1][rows])
        parts.append(f"{line_word(key_out(column.name))}={form}")
        filled.append(values)
    if not parts:
        parts.append(f"{PRESENT}=t")
    filled.append((stamps if rows is None else stamps[rows]).tolist())
    template = prefix + ",".join(parts) + " %d"
    return "\n".join([template % row for row in zip(*filled, strict=True)])


def _values(measurement: str, column: Column, numbers: Ints) -> tuple[str, list[int] | list[str]]:
    """Return how a column's values are written (%-format), and what goes into the format."""
    kind = _kind(measurement, column)
    code = column.code
    if code == "s":
        words = [line_text(text) for text in column.texts]
        return "%s", [words[number] for number in numbers.tolist()]
    if kind is Kind.FLAG:
        return "%s", ["t" if number else "f" for number in numbers.tolist()]
    if code in "ib":
        return ("%di" if kind is Kind.INTEGER else "%d"), numbers.tolist()
    if kind is Kind.INTEGER:
        return "%di", np.rint(numbers / 10.0 ** float(code)).astype(np.int64).tolist()
    # 12345 with four decimals is 12345e-4: the same float, and an integer is quick to write.
    return (f"%de-{code}" if code != "0" else "%d"), numbers.tolist()


def _kind(measurement: str, column: Column) -> Kind:
    """Return the type that a field has in the database; it must be the same for all agents and versions."""
    listed = field_of(measurement, column.name)
    if listed is not None and listed.kind is not Kind.TEXT:
        return listed.kind
    return Kind.FLAG if column.code == "b" else Kind.REAL
