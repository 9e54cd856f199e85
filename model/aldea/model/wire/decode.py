"""A message into its header, its blocks' descriptions and its stream, checked at every step; without numpy."""

from __future__ import annotations

import json
import re
import zlib
from functools import lru_cache
from typing import Any, NoReturn

from aldea.model.clock import ClockState
from aldea.model.sample import is_id
from aldea.model.wire.blocks import SHORT, block_of
from aldea.model.wire.dictionary import DICTIONARY, DICTIONARY_ID
from aldea.model.wire.format import (
    MAX_BODY_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_ROWS,
    MAX_SEQ,
    VERSION,
    Anchor,
    BlockSpec,
    Header,
    Rejected,
)

_HEX = re.compile(r"[0-9a-f]{8,32}")


def open_message(message: bytes) -> tuple[Header, list[BlockSpec], bytes]:
    """Return the header, the block descriptions and the undecoded stream of a message.

    Raises Rejected (`too_large`, `unknown_version`, `malformed`, `not_finite`, `invalid_header`).
    """
    body = _inflate(message)
    length, start = read_uvarint(body, 0)
    if length > len(body) - start:
        raise Rejected("malformed", "the header is longer than the message")
    raw = _parse_json(body[start : start + length])
    header = _header(raw)
    specs = [block_of(item, is_short=length <= SHORT) for item in _list(raw, "k")]
    if sum(spec.rows for spec in specs) != header.rows:
        raise Rejected("malformed", "the blocks do not hold the number of rows that the header states")
    return header, specs, body[start + length :]


def _inflate(message: bytes) -> bytes:
    if len(message) > MAX_MESSAGE_BYTES:
        raise Rejected("too_large", f"the message has {len(message)} bytes, the limit is {MAX_MESSAGE_BYTES}")
    if len(message) < 3:
        raise Rejected("malformed", "the message is too short to be a batch")
    if message[0] != VERSION or message[1] != DICTIONARY_ID:
        raise Rejected("unknown_version", f"format {message[0]:#04x}/{message[1]:#04x} is not known here")
    opener = zlib.decompressobj(-15, DICTIONARY)
    try:
        body = opener.decompress(message[2:], MAX_BODY_BYTES)
    except zlib.error:
        raise Rejected("malformed", "the message cannot be decompressed") from None
    if opener.unconsumed_tail or len(body) >= MAX_BODY_BYTES:
        raise Rejected("too_large", f"the batch unpacks to more than {MAX_BODY_BYTES} bytes")
    if not opener.eof:
        raise Rejected("malformed", "the message ends too early")
    return body


def _refuse(word: str) -> NoReturn:
    raise Rejected("not_finite", f"the header holds {word}, which is not a number that can be stored")


_JSON = json.JSONDecoder(parse_constant=_refuse)


def _parse_json(text: bytes) -> dict[str, Any]:
    try:
        raw = _JSON.decode(text.decode())
        if b"\\u" in text:
            json.dumps(raw, ensure_ascii=False).encode()  # half a surrogate pair, which nothing can store, ends here
    except Rejected:
        raise
    except (ValueError, RecursionError):
        raise Rejected("malformed", "the header is not JSON") from None
    if not isinstance(raw, dict):
        raise Rejected("malformed", "the header is not a JSON object")
    return raw


_KNOWN = frozenset("iesnbomwcapk")


def _header(raw: dict[str, Any]) -> Header:
    site, device = _owner(_text(raw, "i", 80))
    first, rows = _integer(raw, "s", 1, MAX_SEQ), _integer(raw, "n", 0, MAX_ROWS)
    clock_word = _text(raw, "c", 16)
    try:
        clock = ClockState(clock_word)
    except ValueError:
        raise Rejected("invalid_header", f"c is {clock_word!r}, expected {', '.join(ClockState)}") from None
    return Header(
        site=site,
        device=device,
        epoch=_hex(raw, "e"),
        first_seq=first,
        rows=rows,
        boot_id=_hex(raw, "b"),
        boot_no=_integer(raw, "o", 0, 2**31),
        sent_mono_ms=_integer(raw, "m", 0, MAX_SEQ),
        sent_wall_ms=_integer(raw, "w", -MAX_SEQ, MAX_SEQ),
        clock=clock,
        anchor=anchor_of(raw["a"]) if raw.get("a") is not None else None,
        past=bool(raw.get("p")),
        extra={key: value for key, value in raw.items() if key not in _KNOWN},
    )


@lru_cache(maxsize=65_536)
def _owner(text: str) -> tuple[str, str]:
    """Return site and device. Raises Rejected when they are not names."""
    site, _, device = text.partition("/")
    if not (is_id(site) and is_id(device)):
        raise Rejected("invalid_header", f"i is {text!r}, expected <site>/<device>")
    return site, device


def anchor_of(raw: Any) -> Anchor:
    """Read `[mono_ms, wall_ms, error_ms, source]`. Raises Rejected when it is something else."""
    good = (
        isinstance(raw, list)
        and len(raw) == 4
        and all(type(part) is int and abs(part) <= MAX_SEQ for part in raw[:3])
        and isinstance(raw[3], str)
    )
    if not good:
        raise Rejected("invalid_header", f"anchor is {str(raw)[:80]}, expected [mono, wall, error, source]")
    return Anchor(raw[0], raw[1], raw[2], raw[3][:16])


def _text(raw: dict[str, Any], key: str, limit: int) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise Rejected("invalid_header", f"{key} is {str(value)[:60]!r}, expected a text of 1 to {limit} characters")
    return value


def _hex(raw: dict[str, Any], key: str) -> str:
    value = _text(raw, key, 32)
    if _HEX.fullmatch(value) is None:
        raise Rejected("invalid_header", f"{key} is {value!r}, expected 8 to 32 hexadecimal digits")
    return value


def _integer(raw: dict[str, Any], key: str, low: int, high: int) -> int:
    value = raw.get(key)
    if type(value) is not int or not low <= value <= high:
        raise Rejected("invalid_header", f"{key} is {str(value)[:60]!r}, expected a whole number from {low} to {high}")
    return value


def _list(raw: dict[str, Any], key: str) -> list[Any]:
    value = raw.get(key)
    if not isinstance(value, list):
        raise Rejected("malformed", f"{key} is not a list")
    return value


def read_uvarint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number at `position` and the position behind it. Raises Rejected where the data end within it."""
    result = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise Rejected("malformed", "the stream ends within a number")
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return result, position
