"""Randomness that can be asked for at any place: the value at index i doesn't depend on what was asked before."""

from __future__ import annotations

import hashlib

import numpy as np

from aldea.model.columns import Floats, Ints

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def key_of(*parts: object) -> int:
    """Return a 64-bit key made of `parts`: for a site, a region, a purpose."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def hex_of(*parts: object, digits: int) -> str:
    """Return `digits` (at most 64) hexadecimal digits made of `parts`: for epochs and boot ids."""
    text = "/".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()[:digits]


def uniform(key: int, stream: int, index: Ints) -> Floats:
    """Return a number in (0, 1) for each index.

    The finalizer of SplitMix64 (Steele, Lea and Flood, 2014) over a Weyl sequence that `key` and `stream` start.
    """
    start = np.uint64((key ^ (stream * 0xD1342543DE82EF95)) & _MASK)
    state = index.astype(np.uint64) * np.uint64(_GOLDEN)
    state += start
    state ^= state >> np.uint64(30)
    state *= _MIX_1
    state ^= state >> np.uint64(27)
    state *= _MIX_2
    state ^= state >> np.uint64(31)
    numbers: Floats = ((state >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return numbers


def one(key: int, stream: int, index: int) -> float:
    """Return the number that `uniform` has at one index."""
    return float(uniform(key, stream, np.array([index], dtype=np.int64))[0])


def bell(numbers: Floats) -> Floats:
    """Turn numbers in (0, 1) into ones around 0 with a standard deviation of 1 (logistic, a little heavy-tailed)."""
    result: Floats = np.log(numbers / (1.0 - numbers)) * 0.5513
    return result


def waiting(numbers: Floats) -> Floats:
    """Turn numbers in (0, 1) into exponential ones with mean 1."""
    result: Floats = -np.log(numbers)
    return result
