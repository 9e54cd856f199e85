"""Batches as columns: the server's reader and writer of the wire format. Needs numpy; agents never import it.

A whole message is decoded in one pass however many columns it has: all varints at once, then one running sum
that starts again at each column. That is what lets a collector take several hundred thousand rows a second.
"""

from aldea.model.columns.arrays import Bools, Floats, Ints
from aldea.model.columns.blocks import Batch, Block, TimedBatch
from aldea.model.columns.messages import Table, decode_columns, encode_tables
from aldea.model.columns.stream import decode_stream, encode_stream, read_varints, undelta

__all__ = [
    "Batch",
    "Block",
    "Bools",
    "Floats",
    "Ints",
    "Table",
    "TimedBatch",
    "decode_columns",
    "decode_stream",
    "encode_stream",
    "encode_tables",
    "read_varints",
    "undelta",
]
