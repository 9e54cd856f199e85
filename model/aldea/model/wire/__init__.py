"""The wire format of a batch: columns, delta-coded, compressed. Written here, and read here without numpy.

    message = version (1 byte, 0xA1), dictionary (1 byte, 0x01), raw deflate of body
    body    = uvarint(length of header), header (JSON, UTF-8), stream
    stream  = for each block of the header, for each of its columns, `n` zigzag varints, delta-coded

A block holds the rows of one series (measurement and tags). Its first two columns are always the rows' seq
(as an offset from the batch's first seq) and their milliseconds since boot. A column `name:4` holds reals
times 10^4, `name:i` integers, `name:b` flags, `name:s` indexes into the block's list of texts; `?` behind it
says that a column of 0 and 1 (present) goes before, and an absent value repeats the one before it, so that it
costs nothing. docs/wire.md has a worked example.
"""

from aldea.model.wire.decode import anchor_of, open_message
from aldea.model.wire.encode import encode, seal
from aldea.model.wire.format import (
    MAX_MESSAGE_BYTES,
    MAX_ROWS,
    Anchor,
    BlockSpec,
    Column,
    Header,
    Rejected,
)
from aldea.model.wire.rows import decode, value_of

__all__ = [
    "MAX_MESSAGE_BYTES",
    "MAX_ROWS",
    "Anchor",
    "BlockSpec",
    "Column",
    "Header",
    "Rejected",
    "anchor_of",
    "decode",
    "encode",
    "open_message",
    "seal",
    "value_of",
]
