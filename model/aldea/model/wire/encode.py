"""Rows into a message, in plain Python: what an agent runs."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from aldea.model.catalogue import Kind, field_of
from aldea.model.sample import Row, Tags, Value
from aldea.model.wire.dictionary import DICTIONARY, DICTIONARY_ID
from aldea.model.wire.format import DEFAULT_DECIMALS, VERSION, Header

_LIMIT = 2**62
_EXACT = 2**53


def encode(header: Header, rows: Sequence[Row]) -> bytes:
    """Return the message for `rows`, which must be the header's, in order of seq.

    Raises ValueError for what the format cannot carry: a number that is not finite or beyond ±2^62 at the
    field's resolution, one field with texts here and numbers there in one series (fewer rows may do), or rows whose
    seqs are not the header's.
    """
    if [row.seq for row in rows] != list(range(header.first_seq, header.first_seq + header.rows)):
        raise ValueError(f"rows must have the seqs {header.first_seq} to {header.last_seq}, each once, in order")
    series: dict[tuple[str, Tags], list[Row]] = {}
    for row in rows:
        series.setdefault((row.measurement, row.tags), []).append(row)
    blocks: list[Any] = []
    stream = bytearray()
    for (measurement, tags), members in series.items():
        blocks.append(_encode_block(stream, header.first_seq, measurement, tags, members))
    return seal(header, blocks, bytes(stream))


def seal(header: Header, blocks: Sequence[Any], stream: bytes) -> bytes:
    """Put a header, its block descriptions and their stream into a message."""
    text = json.dumps(_header_json(header, blocks), separators=(",", ":"), ensure_ascii=False).encode()
    prefix = bytearray()
    _put_uvarint(prefix, len(text))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    packed = packer.compress(bytes(prefix) + text + stream) + packer.flush()
    return bytes((VERSION, DICTIONARY_ID)) + packed


def _header_json(header: Header, blocks: Sequence[Any]) -> dict[str, Any]:
    anchor = header.anchor
    out: dict[str, Any] = {
        "i": f"{header.site}/{header.device}",
        "e": header.epoch,
        "s": header.first_seq,
        "n": header.rows,
        "b": header.boot_id,
        "o": header.boot_no,
        "m": header.sent_mono_ms,
        "w": header.sent_wall_ms,
        "c": header.clock.value,
    }
    if anchor is not None:
        out["a"] = [anchor.mono_ms, anchor.wall_ms, anchor.error_ms, anchor.source]
    if header.past:
        out["p"] = 1
    return {**out, "k": list(blocks), **header.extra}


def _encode_block(stream: bytearray, first_seq: int, measurement: str, tags: Tags, rows: Sequence[Row]) -> list[Any]:
    _put_deltas(stream, (row.seq - first_seq for row in rows))
    _put_deltas(stream, (row.mono_ms for row in rows))
    columns: list[str] = []
    texts: dict[str, list[str]] = {}
    for name in dict.fromkeys(name for row in rows for name in row.fields):
        values = [row.fields.get(name) for row in rows]
        present = [value is not None for value in values]
        if not any(present):
            continue
        code = _code_of(measurement, name, values)
        if code == "s":
            texts[name] = sorted({str(value) for value in values if value is not None})
        nullable = not all(present)
        columns.append(f"{name}:{code}{'?' if nullable else ''}")
        if nullable:
            _put_deltas(stream, present)
        _put_deltas(stream, _integers(name, code, values, texts.get(name, [])))
    return [measurement, dict(tags), len(rows), " ".join(columns), texts]


def _code_of(measurement: str, name: str, values: Iterable[Value]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if str in kinds:
        if kinds != {str}:
            # As texts the numbers would be other values, and no longer equal to themselves in another batch.
            raise ValueError(f"{measurement}.{name} is a text in some rows and none in others")
        return "s"
    listed = field_of(measurement, name)
    if float in kinds or (listed is not None and listed.kind is Kind.REAL):
        return str(DEFAULT_DECIMALS if listed is None else listed.decimals)
    return "b" if kinds == {bool} else "i"


def _integers(name: str, code: str, values: Sequence[Value], texts: Sequence[str]) -> Iterable[int]:
    """Yield each value as the integer its column holds; an absent one repeats the one before."""
    index = {text: position for position, text in enumerate(texts)}
    scale = 10 ** int(code) if code.isdigit() else 1
    before = 0
    for value in values:
        if value is None:
            yield before
            continue
        before = index[str(value)] if code == "s" else _scaled(name, value, scale)
        yield before


def _scaled(name: str, value: Value, scale: int) -> int:
    number = float(value) if isinstance(value, float) else int(value or 0)
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"{name} is {number}: only finite numbers can be sent")
    if scale > 1 and isinstance(number, int) and abs(number) > _EXACT:
        raise ValueError(f"{name} is {number}: among reals it would lose its last digits")
    result = round(number * scale)
    if abs(result) >= _LIMIT:
        raise ValueError(f"{name} is {number}: too large to send")
    return result


def _put_deltas(stream: bytearray, values: Iterable[int]) -> None:
    before = 0
    for value in values:
        delta = int(value) - before
        before = int(value)
        _put_uvarint(stream, delta << 1 if delta >= 0 else (-delta << 1) - 1)


def _put_uvarint(stream: bytearray, value: int) -> None:
    while value >= 0x80:
        stream.append(value & 0x7F | 0x80)
        value >>= 7
    stream.append(value)
