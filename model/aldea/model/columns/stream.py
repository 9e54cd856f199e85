"""The stream of a message, and of a stored chunk: varints of delta-coded columns, all read and written at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aldea.model.columns.arrays import Ints
from aldea.model.wire import Rejected


def decode_stream(stream: bytes, lengths: NDArray[np.intp] | Sequence[int]) -> Ints:
    """Return the values of back-to-back delta-coded columns, `lengths[i]` numbers in column i.

    Raises Rejected when the stream holds another number of varints.
    """
    numbers, _ = read_varints(stream)
    sizes = np.asarray(lengths, dtype=np.intp)
    if int(sizes.sum()) != len(numbers):
        raise Rejected("malformed", "the stream does not hold as many numbers as stated")
    return undelta(numbers, sizes)


def read_varints(stream: bytes) -> tuple[Ints, NDArray[np.intp]]:
    """Return all zigzag varints of `stream` as integers, and the position of each one's last byte."""
    data = np.frombuffer(stream, dtype=np.uint8)
    ends = np.flatnonzero(data < 0x80)
    if len(data) and (not len(ends) or ends[-1] != len(data) - 1):
        raise Rejected("malformed", "the stream ends within a number")
    if not len(ends):
        return np.zeros(0, np.int64), ends
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    widths = ends - starts
    longest = int(widths.max())
    if longest > 9:
        raise Rejected("malformed", "a number in the stream is longer than 64 bits")
    raw = (data[starts] & 0x7F).astype(np.uint64)
    longer = np.flatnonzero(widths)  # most numbers have one byte: only the others are looked at again
    for byte in range(1, longest + 1):
        piece = (data[starts[longer] + byte] & 0x7F).astype(np.uint64)
        raw[longer] |= piece << np.uint64(7 * byte)
        longer = longer[widths[longer] > byte]
    signed = (raw >> np.uint64(1)).astype(np.int64)
    return signed ^ -(raw & np.uint64(1)).astype(np.int64), ends


def undelta(numbers: Ints, lengths: NDArray[np.intp]) -> Ints:
    """Sum up within each column: one sum over all, less what stood before each column (both wrap alike)."""
    if not len(numbers):
        return numbers
    total = np.cumsum(numbers)
    firsts = np.cumsum(lengths) - lengths
    kept = lengths > 0
    before = total[firsts[kept]] - numbers[firsts[kept]]
    result: Ints = total - np.repeat(before, lengths[kept])
    return result


def encode_stream(columns: Sequence[Ints]) -> bytes:
    """Return the delta-coded varints of `columns`, one behind the other: what `decode_stream` reads."""
    parts: list[Ints] = []
    for column in columns:
        deltas = np.array(column, dtype=np.int64)
        deltas[1:] -= column[:-1]
        parts.append(deltas)
    joined: Ints = np.concatenate(parts) if parts else np.zeros(0, np.int64)
    if not len(joined):
        return b""
    raw = ((joined << np.int64(1)) ^ (joined >> np.int64(63))).view(np.uint64)
    widths = np.ones(len(raw), np.intp)
    rest = raw >> np.uint64(7)
    while rest.any():
        widths += rest != 0
        rest >>= np.uint64(7)
    ends = np.cumsum(widths)
    out = np.zeros(int(ends[-1]), np.uint8)
    starts = ends - widths
    for byte in range(int(widths.max())):
        more = widths > byte
        piece = (raw[more] >> np.uint64(7 * byte)) & np.uint64(0x7F)
        last = widths[more] == byte + 1
        out[starts[more] + byte] = np.where(last, piece, piece | np.uint64(0x80)).astype(np.uint8)
    return out.tobytes()
