"""The wire format as columns and tables: they come back, and keep nothing that was made long on purpose."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aldea.model.columns import Block, Table, decode_columns, decode_stream, encode_stream, encode_tables
from aldea.model.sample import Row
from aldea.model.wire import Header, Rejected, decode, encode, seal
from builders import make_header
from model.wire_batches import any_batches, typed_rows

_numbers = st.integers(-(2**62), 2**62)


@given(st.lists(st.lists(_numbers, max_size=20), max_size=5))
def test_streams_of_columns_come_back(columns: list[list[int]]) -> None:
    stream = encode_stream([np.array(column, np.int64) for column in columns])
    numbers = decode_stream(stream, [len(column) for column in columns])
    assert numbers.tolist() == [number for column in columns for number in column]


def test_a_stream_of_another_length_is_rejected() -> None:
    stream = encode_stream([np.arange(5)])
    for lengths in ([4], [6], [2, 2]):
        with pytest.raises(Rejected):
            decode_stream(stream, lengths)


@given(any_batches())
def test_columns_can_be_sealed_again(batch: tuple[Header, list[Row]]) -> None:
    header, rows = batch
    decoded = decode_columns(encode(header, rows))
    again = encode_tables(decoded.header, [_table(block) for block in decoded.blocks])
    assert typed_rows(decode(again)[1]) == typed_rows(rows)


def _table(block: Block) -> Table:
    columns, present = [], {}
    for column in block.spec.columns:
        found = block.column(column.name)
        assert found is not None
        columns.append((column, found[1]))
        if found[2] is not None:
            present[column.name] = found[2]
    return Table(block.spec.measurement, block.spec.tags, block.offsets, block.mono_ms, columns, present)


def _kept_bytes(messages: list[bytes]) -> int:
    """Return how much memory is still held once these messages were read."""
    tracemalloc.start()
    try:
        for message in messages:
            decode_columns(message)
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_what_a_sender_makes_long_on_purpose_is_not_kept_in_memory() -> None:
    """A message of a kilobyte unpacks to megabytes; what is known of thousands of kinds of blocks must stay small."""
    header, stream = make_header(1, 1), b"\0\0\2"
    unread = [["ping", {}, 1, "x:i", {"y": [f"{number}" + "a" * 300_000]}] for number in range(20)]
    named = [["ping", {}, 1, "x:i", {f"{number}" + "b" * 300_000: []}] for number in range(20)]
    long = [
        ["ping", {}, 1, "x:s", {"x": [f"{number}-{one}" + "c" * 9_000 for one in range(40)]}] for number in range(20)
    ]
    wide = [["ping", {}, 1, "x:i" + " " * (300_000 + number), {}] for number in range(20)]
    for blocks in (unread, named, long, wide):
        assert _kept_bytes([seal(header, [block], stream) for block in blocks]) < 1_000_000


def test_a_layout_says_its_columns_and_nothing_else() -> None:
    batch = decode_columns(seal(make_header(1, 1), [["ping", {}, 1, "  x:i \n y:b  ", {}]], bytes(4)))
    assert batch.blocks[0].spec.layout == "x:i y:b"
