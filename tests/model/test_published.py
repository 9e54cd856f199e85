"""What has been published and may not change: bytes that other versions of Aldea have to read."""

from __future__ import annotations

import hashlib
import zlib

from aldea.model.clock import ClockState
from aldea.model.sample import Row
from aldea.model.wire import Anchor, Header, decode, encode
from aldea.model.wire.dictionary import DICTIONARY, DICTIONARY_ID

HEADER = Header(
    site="isla-arena",
    device="agent",
    epoch="0123456789abcdef",
    first_seq=1,
    rows=2,
    boot_id="fedcba9876543210",
    boot_no=3,
    sent_mono_ms=130_000,
    sent_wall_ms=1_750_000_130_000,
    clock=ClockState.NTP,
    anchor=Anchor(100_000, 1_750_000_100_000, 12, "server"),
)
TAGS = (("role", "gateway"), ("target", "gateway"))
ROWS = [Row(seq, seq * 60_000, "ping", TAGS, {"sent": 1, "received": 1, "loss_ratio": 0.0}) for seq in (1, 2)]
STREAM = bytes.fromhex("00 02  c0a907 c0a907  02 00  02 00  00 00")
"""The worked example of docs/wire.md."""

A_MESSAGE_OF_0_1_0 = bytes.fromhex(
    "a1016b6482d892599c93a89b58949a9788629f81a191b189a999b985656252724a6a1ac47e43b0038c202e48035686498996"
    "16e666a626c6468606101719835d64686c000450779982d8301154271a1a8045616aa03c239cae868532224c3182b956c788"
    "506d018ebed85a06a6032bd9818889818981810100"
)


def test_the_dictionary_is_frozen() -> None:
    assert DICTIONARY_ID == 0x01
    assert hashlib.sha256(DICTIONARY).hexdigest() == "3396b6fbed755cf9c6fc20de7af1c85ce8090de23541470edf9af5067ebf3c00"


def test_the_stream_is_the_one_in_the_documentation() -> None:
    body = zlib.decompressobj(-15, DICTIONARY).decompress(encode(HEADER, ROWS)[2:])
    assert body.endswith(STREAM)
    assert b'"i":"isla-arena/agent"' in body
    assert b'"a":[100000,1750000100000,12,"server"]' in body


def test_a_message_written_by_the_first_version_is_still_read() -> None:
    assert decode(A_MESSAGE_OF_0_1_0) == (HEADER, ROWS)
