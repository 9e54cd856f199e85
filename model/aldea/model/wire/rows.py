"""A message into its rows, in plain Python: for agents, tools and tests."""

from __future__ import annotations

from collections.abc import Iterable

from aldea.model.sample import Row, Value
from aldea.model.wire.decode import open_message, read_uvarint
from aldea.model.wire.format import BlockSpec, Column, Header, Rejected


def decode(message: bytes) -> tuple[Header, list[Row]]:
    """Return the header and the rows in order of seq, without numpy: for agents, tools and tests.

    Raises Rejected. The server reads with `aldea.model.columns`, which gives the same rows as columns.
    """
    header, specs, stream = open_message(message)
    position = 0
    rows: list[Row] = []
    for spec in specs:
        raw, position = _deltas(stream, position, spec)
        rows.extend(_rows_of(header, spec, raw))
    if position != len(stream):
        raise Rejected("malformed", "there are bytes behind the last block")
    rows.sort(key=lambda row: row.seq)
    if [row.seq for row in rows] != list(range(header.first_seq, header.last_seq + 1)):
        raise Rejected("malformed", "the rows do not have each of the header's seqs once")
    return header, rows


def _deltas(stream: bytes, position: int, spec: BlockSpec) -> tuple[list[list[int]], int]:
    columns: list[list[int]] = []
    for _ in range(spec.width):
        values: list[int] = []
        before = 0
        for _ in range(spec.rows):
            raw, position = read_uvarint(stream, position)
            before += (raw >> 1) ^ -(raw & 1)
            values.append(before)
        columns.append(values)
    return columns, position


def _rows_of(header: Header, spec: BlockSpec, raw: list[list[int]]) -> Iterable[Row]:
    parts = iter(raw[2:])
    decoded: list[tuple[str, list[Value]]] = []
    for column in spec.columns:
        present = next(parts) if column.nullable else [1] * spec.rows
        numbers = next(parts)
        # An absent text's number is checked too: it repeats the one before, or is 0 where none came before.
        if column.code == "s" and not 0 <= min(numbers) <= max(numbers) < max(len(column.texts), 1):
            raise Rejected("malformed", f"column {column.name!r} points beyond its texts")
        decoded.append(
            (
                column.name,
                [value_of(column, n) if here else None for n, here in zip(numbers, present, strict=True)],
            )
        )
    for index in range(spec.rows):
        fields = {name: values[index] for name, values in decoded if values[index] is not None}
        yield Row(header.first_seq + raw[0][index], raw[1][index], spec.measurement, spec.tags, fields)


def value_of(column: Column, number: int) -> Value:
    """Return what `number` in a column stands for. Raises Rejected for an index beyond its texts."""
    if column.code == "s":
        if not 0 <= number < len(column.texts):
            raise Rejected("malformed", f"column {column.name!r} points beyond its texts")
        return column.texts[number]
    if column.code == "b":
        return bool(number)
    return number if column.code == "i" else number / 10 ** int(column.code)
