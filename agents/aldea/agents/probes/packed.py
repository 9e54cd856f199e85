"""A page that comes packed although nobody asked for it: some servers, and boxes on the way, send nothing else."""

from __future__ import annotations

import zlib
from contextlib import suppress

_GZIP = 16 + zlib.MAX_WBITS


def unpacked(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """Return the text of a body that came as `gzip` or `deflate`, `most_bytes` of it at most; of another, itself.

    What was cut short, or is damaged, gives what can be read of it; what cannot be read at all is returned as it came.
    """
    kinds = [kind for word in encoding.split(",") if (kind := word.strip().lower()) not in {"", "identity"}]
    if kinds in (["gzip"], ["x-gzip"]):
        return _inflated(body, _GZIP, most_bytes) or body
    if kinds == ["deflate"]:  # RFC 9110 means zlib's form; some servers send the bare one
        return _inflated(body, zlib.MAX_WBITS, most_bytes) or _inflated(body, -zlib.MAX_WBITS, most_bytes) or body
    return body


def _inflated(body: bytes, window: int, most_bytes: int) -> bytes:
    """Return what can be read, b"" where that is nothing."""
    worker = zlib.decompressobj(window)
    parts: list[bytes] = []
    left = most_bytes
    with suppress(zlib.error):
        while left > 0 and body and not worker.eof:
            parts.append(worker.decompress(body, left))
            left -= len(parts[-1])
            body = worker.unconsumed_tail
    return b"".join(parts)
