"""A name server's messages (RFC 1035, RFC 6891), as little of them as one question for addresses needs. Pure.

The library for them keeps 3 MB in memory, of forty that a small machine may spend; the tests hold this beside it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
_WITHOUT_QUESTION = frozenset({1, SERVFAIL, 4, REFUSED})
"""Outcomes that a server may give without repeating the question (1: it was not understood, 4: not implemented)."""

_HEADER, _RECORD = struct.Struct(">6H"), struct.Struct(">HHIH")
_A, _IN = 1, 1
_RECURSE, _IS_ANSWER, _TRUNCATED = 0x0100, 0x8000, 0x0200
_POINTER = 0xC0
_LONGEST_NAME = 255
_UDP_PAYLOAD = 1232
_EDNS = b"\0" + _RECORD.pack(41, _UDP_PAYLOAD, 0, 0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: its outcome, how many IPv4 addresses, and whether the message was cut short."""

    outcome: int
    addresses: int
    truncated: bool


def question(name: str, number: int) -> bytes:
    """Return the message that asks for the IPv4 addresses of `name`. Raises ValueError for what is no name."""
    return _HEADER.pack(number, _RECURSE, 1, 0, 0, 1) + _wire_name(name) + struct.pack(">HH", _A, _IN) + _EDNS


def read_answer(wire: bytes, asked: bytes) -> Answer | None:
    """Return what `wire` says to the question `asked`; None where it can't be read, or answers something else."""
    try:
        return _read(wire, asked)
    except (struct.error, IndexError):
        return None


def _read(wire: bytes, asked: bytes) -> Answer | None:
    number, flags, questions, records, *_ = _HEADER.unpack_from(wire)
    (own_number,) = struct.unpack_from(">H", asked)
    outcome = flags & 0x000F
    if number != own_number or not flags & _IS_ANSWER or flags & 0x7800:  # 0x7800: another kind of message
        return None
    place = _HEADER.size
    repeated = asked[place : -len(_EDNS)]
    if questions == 1 and wire[place : place + len(repeated)].lower() == repeated.lower():
        place += len(repeated)
    elif questions or outcome not in _WITHOUT_QUESTION:
        return None
    truncated = bool(flags & _TRUNCATED)
    found = set() if truncated else set(_addresses(wire, place, records))
    return Answer(outcome, len(found), truncated)


def _addresses(wire: bytes, place: int, records: int) -> list[bytes]:
    found = []
    for _ in range(records):
        place = _after_name(wire, place)
        kind, family, _, length = _RECORD.unpack_from(wire, place)
        place += _RECORD.size
        data = wire[place : place + length]
        place += length
        if place > len(wire) or (kind == _A and family == _IN and length != 4):
            raise IndexError
        if kind == _A and family == _IN:
            found.append(data)
    return found


def _after_name(wire: bytes, place: int) -> int:
    """Return where a name ends: after its empty label, or after the pointer to where the rest of it is."""
    while length := wire[place]:
        if length & _POINTER == _POINTER:
            return place + 2
        if length & _POINTER:
            raise IndexError  # a kind of label that nobody uses
        place += 1 + length
    return place + 1


def _wire_name(name: str) -> bytes:
    labels = name.encode("idna").removesuffix(b".").split(b".")
    wire = b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    if not all(0 < len(label) < 64 for label in labels) or len(wire) > _LONGEST_NAME:
        raise ValueError(f"{name!r} is not a name")
    return wire
