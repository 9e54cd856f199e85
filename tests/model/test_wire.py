"""The wire format: what is encoded is decoded, by both readers alike, and nothing else gets through."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.model.columns import (
    Block,
    Table,
    decode_columns,
    decode_stream,
    encode_stream,
    encode_tables,
)
from aldea.model.sample import Row, Value, tags_of
from aldea.model.wire import MAX_ROWS, Header, Rejected, decode, encode, seal
from aldea.model.wire.dictionary import DICTIONARY
from builders import make_header, make_pings, make_row

_names = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
_words = st.text(st.characters(codec="utf-8"), max_size=30)
_tags = st.dictionaries(_words, _words, max_size=3)
_whole = st.integers(-(2**62) + 1, 2**62 - 1)
_reals = st.integers(-(10**9), 10**9).map(lambda number: number / 10**6)  # at the default resolution
_kinds: list[st.SearchStrategy[Value]] = [_whole, _reals, _words, st.booleans()]
_columns = st.dictionaries(_names, st.sampled_from(_kinds), max_size=5)


@st.composite
def _batches(draw: st.DrawFn) -> tuple[Header, list[Row]]:
    """Rows of a few series; each field keeps its kind within a series, and may be missing in any row."""
    series = draw(st.lists(st.tuples(_names.map("new_{}".format), _tags, _columns), min_size=1, max_size=3))
    first = draw(st.integers(1, 2**52))
    rows: list[Row] = []
    for seq in range(first, first + draw(st.integers(0, 12))):
        measurement, tags, columns = draw(st.sampled_from(series))
        fields: dict[str, Value] = {}
        for name, kind in columns.items():
            value: Value = draw(st.none() | kind)
            if value is not None:
                fields[name] = value
        rows.append(Row(seq, draw(st.integers(0, 2**52)), measurement, tags_of(tags), fields))
    return make_header(first, len(rows)), rows


def _alike(rows: list[Row]) -> list[tuple[Any, ...]]:
    """Make rows comparable: True is not 1 here, nor 1.0, but an integer in a column of reals is its real."""
    return [
        (row.seq, row.mono_ms, row.measurement, row.tags, {name: (type(v), v) for name, v in row.fields.items()})
        for row in rows
    ]


@given(_batches())
def test_what_is_encoded_is_decoded_by_both_readers(batch: tuple[Header, list[Row]]) -> None:
    header, rows = batch
    message = encode(header, rows)
    plain_header, plain = decode(message)
    columns = decode_columns(message)
    assert plain_header == columns.header == header
    assert _alike(plain) == _alike(columns.rows()) == _alike(rows)


@given(_batches())
def test_a_blocks_own_piece_of_the_stream_decodes_alone(batch: tuple[Header, list[Row]]) -> None:
    for block in decode_columns(encode(*batch)).blocks:
        alone = decode_stream(block.raw, [block.spec.rows] * block.spec.width)
        assert alone.tolist() == block.data.reshape(-1).tolist()


def test_catalogued_fields_keep_their_resolution_and_kind() -> None:
    fields: dict[str, Value] = {"loss_ratio": 1, "rtt_avg_seconds": 0.123456789, "sent": 3, "failure": "no_reply"}
    header = make_header(1, 1)
    for _, (row,) in (decode(encode(header, [make_row(1, 0, fields)])),):
        assert row.fields == {"loss_ratio": 1.0, "rtt_avg_seconds": 0.12346, "sent": 3, "failure": "no_reply"}
        assert type(row.fields["loss_ratio"]) is float


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**62, -(2**62), 1e30])
def test_a_number_that_cannot_travel_is_refused_where_it_arises(value: float) -> None:
    with pytest.raises(ValueError, match="rx_bytes"):
        encode(make_header(1, 1), [make_row(1, 0, {"rx_bytes": value})])


def test_rows_must_be_the_headers() -> None:
    with pytest.raises(ValueError, match="1 to 2, each once, in order"):
        encode(make_header(1, 2), [make_row(1, 0, {}), make_row(3, 0, {})])


# ---------------------------------------------------------------------------- what does not get through


READERS: list[Callable[[bytes], object]] = [decode, decode_columns]


def _both(message: bytes) -> tuple[object, object]:
    """Return what each reader makes of a message; any exception but Rejected is let through."""
    results: list[object] = []
    for reader in READERS:
        try:
            result = reader(message)
            rows = result[1] if isinstance(result, tuple) else result.rows()  # type: ignore[attr-defined]  # a Batch
            results.append(_alike(rows))
        except Rejected as error:
            results.append(error.reason)
    return results[0], results[1]


GOOD = encode(
    make_header(7, 40),
    [
        *make_pings(range(0, 30_000, 1000), first_seq=7),
        *(make_row(n, n * 1000, {"failure": "no_reply", "up": True, "sent": None}) for n in range(37, 47)),
    ],
)


@given(st.binary(max_size=300))
def test_noise_is_rejected(noise: bytes) -> None:
    for message in (noise, b"\xa1\x01" + noise):
        plain, columns = _both(message)
        assert isinstance(plain, str)
        assert isinstance(columns, str)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_damaged_message_is_rejected_or_read_alike(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(GOOD)
    for place, byte in changes:
        damaged[place] = byte
    plain, columns = _both(bytes(damaged))
    assert plain == columns


@settings(max_examples=300)
@given(st.data())
def test_a_damaged_body_is_rejected_or_read_alike(data: st.DataObject) -> None:
    """The damage is done beneath the compression, where it reaches the header and the stream."""
    body = bytearray(_body(GOOD))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    plain, columns = _both(_packed(bytes(body)))
    assert plain == columns


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300)
@given(key=st.sampled_from("iesnbomwcak"), value=_json)
def test_a_header_with_anything_in_it_is_rejected_or_read_alike(key: str, value: object) -> None:
    plain, columns = _both(_with_header(**{key: value}))
    assert plain == columns


@settings(max_examples=300)
@given(place=st.integers(0, 5), value=_json)
def test_a_block_with_anything_in_it_is_rejected_or_read_alike(place: int, value: object) -> None:
    block: list[Any] = ["ping", {"target": "gateway"}, 1, "failure:s? sent:i", {"failure": ["x"]}]
    block[place:place] = [value]
    del block[place + 1 : place + 2]
    plain, columns = _both(seal(make_header(1, 1), [block], bytes(6)))
    assert plain == columns


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "malformed"),
        (b"\xa2\x01xxx", "unknown_version"),
        (b"\xa1\x02xxx", "unknown_version"),
        (GOOD[:-4], "malformed"),
        (b"\xa1\x01" + bytes(300_000), "too_large"),
        (seal(make_header(1, MAX_ROWS + 1), [], b""), "invalid_header"),
        (seal(make_header(1, 1, site="UPPER"), [["ping", {}, 1, "", {}]], bytes(2)), "invalid_header"),
        (seal(make_header(1, 1, epoch="xyz"), [["ping", {}, 1, "", {}]], bytes(2)), "invalid_header"),
        (seal(make_header(1, 2), [["ping", {}, 1, "", {}]], bytes(2)), "malformed"),
        (seal(make_header(1, 2), [["ping", {}, 2, "", {}]], bytes(4)), "malformed"),
        (seal(make_header(1, 1), [["ping", {}, 1, "x:s", {"x": ["a"]}]], b"\0\0\2"), "malformed"),
        (seal(make_header(1, 1), [["ping", {}, 1, "x:s", {"x": []}]], b"\0\0\0"), "malformed"),
        (seal(make_header(1, 1), [["ping", {}, 1, "x:s?", {"x": []}]], b"\0\0\2\0"), "malformed"),
        (seal(make_header(1, 1), [["ping", {}, 1, "x:s?", {"x": ["a"]}]], b"\0\0\0\2"), "malformed"),
        (seal(make_header(1, 1), [["ping", {}, 1, "a:i a:i", {}]], bytes(4)), "malformed"),
        (seal(make_header(1, 1), [["ping", {}, 1, "Bad:i", {}]], bytes(3)), "malformed"),
        (seal(make_header(1, 1), [["ping", {}, 1, "a:i", {}]], b"\0\0" + b"\xff" * 10 + b"\1"), "malformed"),
        (seal(make_header(1, 1), [["ping", {}, 1, "", {}]], bytes(3)), "malformed"),
        (seal(make_header(1, 1), [["ping", {}, 1, "", {}]], b"\0\x80"), "malformed"),
    ],
)
def test_each_fault_has_its_reason(message: bytes, reason: str) -> None:
    assert _both(message) == (reason, reason)


def test_a_bomb_is_not_unpacked() -> None:
    assert _both(_packed(bytes(50_000_000))) == ("too_large", "too_large")


def test_half_a_character_is_rejected() -> None:
    """JSON can escape what no text can hold; stores could not write it."""
    assert _both(_with_header(k=[["ping", {"target": "\ud800"}, 1, "", {}]])) == ("malformed", "malformed")
    assert _both(_with_header(x="\udfff")) == ("malformed", "malformed")


@pytest.mark.parametrize(("key", "reason"), [*((key, "invalid_header") for key in "iesnbomwc"), ("k", "malformed")])
def test_a_header_without_one_of_its_parts_is_refused(key: str, reason: str) -> None:
    body = _body(GOOD)
    assert body.count(f'"{key}":'.encode()) == 1
    assert _both(_packed(body.replace(f'"{key}":'.encode(), b'"_":'))) == (reason, reason)


def test_unknown_parts_of_a_header_are_kept() -> None:
    header, _ = decode(_with_header(z={"new": 1}))
    assert header.extra == {"z": {"new": 1}}


def _body(message: bytes) -> bytes:
    return zlib.decompressobj(-15, DICTIONARY).decompress(message[2:])


def _packed(body: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    return b"\xa1\x01" + packer.compress(body) + packer.flush()


def _with_header(**changes: object) -> bytes:
    """Return a message of one row whose header has some parts replaced."""
    header = {"i": "a/b", "e": "0" * 8, "s": 1, "n": 1, "b": "0" * 8, "o": 1, "m": 0, "w": 0, "c": "ntp"}
    text = json.dumps({**header, "k": [["ping", {}, 1, "", {}]], **changes}).encode()
    length = len(text)
    prefix = bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])
    return _packed(prefix + text + bytes(2))


# ------------------------------------------------------------------------------------ columns and tables


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


@given(_batches())
def test_columns_can_be_sealed_again(batch: tuple[Header, list[Row]]) -> None:
    header, rows = batch
    decoded = decode_columns(encode(header, rows))
    again = encode_tables(decoded.header, [_table(block) for block in decoded.blocks])
    assert _alike(decode(again)[1]) == _alike(rows)


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
