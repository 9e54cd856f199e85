"""The wire format: of what is damaged, wrong or odd nothing gets through, whichever reader it meets."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.model.columns import decode_columns
from aldea.model.wire import MAX_ROWS, Rejected, decode, encode, seal
from aldea.model.wire.dictionary import DICTIONARY
from builders import make_header, make_pings, make_row
from model.wire_batches import typed_rows

READERS: list[Callable[[bytes], object]] = [decode, decode_columns]


def _both(message: bytes) -> tuple[object, object]:
    """Return what each reader makes of a message; any exception but Rejected is let through."""
    results: list[object] = []
    for reader in READERS:
        try:
            result = reader(message)
            rows = result[1] if isinstance(result, tuple) else result.rows()  # type: ignore[attr-defined]  # a Batch
            results.append(typed_rows(rows))
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
