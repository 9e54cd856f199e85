"""What must never be stored: each kind of bad message, and the word it is quarantined with."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from aldea.model.messages import encode_status
from aldea.model.topics import Lane
from aldea.model.wire import Anchor, encode
from aldea.model.wire.dictionary import DICTIONARY, DICTIONARY_ID
from aldea.model.wire.format import VERSION
from collectorkit.sender import HOUR, Sender, ping, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from aldea.collector.turn import Incoming

REFUSED, REJECTED, UNANSWERED = "refused", "rejected", "unanswered"


@dataclass(frozen=True)
class Bad:
    """One kind of bad message: how it is made, its word, and how its sender is told."""

    sentence: str
    make: Callable[[Sender], Incoming]
    reason: str
    told: str = REFUSED

    def __str__(self) -> str:
        return self.sentence


def packed(header: bytes, stream: bytes = b"", version: int = VERSION, dictionary: int = DICTIONARY_ID) -> bytes:
    """Return a message with any header and stream."""
    prefix = bytearray()
    length = len(header)
    while length >= 0x80:
        prefix.append(length & 0x7F | 0x80)
        length >>= 7
    prefix.append(length)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    body = packer.compress(bytes(prefix) + header + stream) + packer.flush()
    return bytes((version, dictionary)) + body


def header_json(sender: Sender, **changes: Any) -> bytes:
    """Return a batch's header with things that no agent would write (NaN, for one)."""
    clock = sender.clock
    raw = {
        "i": f"{sender.site}/{sender.device}",
        "e": sender.epoch,
        "s": 1,
        "n": 0,
        "b": sender.boot_id,
        "o": 1,
        "m": clock.mono_ms(),
        "w": clock.wall_ms(),
        "c": "ntp",
        "k": [],
        **changes,
    }
    return json.dumps(raw).encode()


def _whole(sender: Sender) -> bytes:
    return sender.payload([ping(seq) for seq in range(1, 6)])


def _anchored(sender: Sender, by_ms: int) -> Incoming:
    clock = sender.clock
    anchor = Anchor(clock.mono_ms(), clock.wall_ms() + by_ms, 20, "ntp")
    return sender.batch(1, 5, anchor=anchor)


def _boot_before_2020(sender: Sender) -> Incoming:
    return sender.batch(1, 5, sent_mono_ms=2**52, anchor=None)


def _other_site(sender: Sender, lane: Lane) -> Incoming:
    other = sender.but(site="sur-02")
    message = other.birth(5) if lane is Lane.STATUS else other.batch(1, 5)
    return sender.message(message.payload, lane)


def _birth_with(sender: Sender, **changes: Any) -> Incoming:
    raw = {**json.loads(sender.birth(5).payload), **changes}
    return sender.message(json.dumps(raw).encode(), Lane.STATUS)


def _will_of_another(sender: Sender) -> Incoming:
    from aldea.model.messages import Will

    return sender.message(encode_status(Will("sur-02", "agent", 1, "lost")), Lane.STATUS)


def _on_topic(sender: Sender, topic: str) -> Incoming:
    return replace(sender.batch(1, 5), topic=topic)


def _rows(sender: Sender, *rows: Any) -> Incoming:
    return sender.message(encode(sender.header(rows[0].seq, len(rows)), rows))


WHOLE_MESSAGES: tuple[Bad, ...] = (
    Bad("malformed payload: random bytes", lambda s: s.message(b"\x07" + os.urandom(64)), "unknown_version"),
    Bad("malformed payload: right first bytes, then random", lambda s: s.message(b"\xa1\x01\xff" * 20), "malformed"),
    Bad("malformed payload: truncated", lambda s: s.message(_whole(s)[:-9]), "malformed"),
    Bad("malformed payload: JSON", lambda s: s.message(b'{"rtt": 3}'), "unknown_version"),
    Bad("malformed payload: empty", lambda s: s.message(b""), "malformed"),
    Bad("malformed payload: a header that is a list", lambda s: s.message(packed(b"[]")), "malformed"),
    Bad("malformed payload: numbers missing", lambda s: s.message(packed(header_json(s, n=2))), "malformed"),
    Bad("malformed payload: half a letter", lambda s: s.message(packed(header_json(s, x="\ud800"))), "malformed"),
    Bad("wrong site for the topic: a batch", lambda s: _other_site(s, Lane.BULK), "wrong_site"),
    Bad("wrong site for the topic: a birth", lambda s: _other_site(s, Lane.STATUS), "wrong_site", UNANSWERED),
    Bad("wrong site for the topic: a will", _will_of_another, "wrong_site", UNANSWERED),
    Bad("future time: sent an hour from now", lambda s: _anchored(s, HOUR), "time_future", REJECTED),
    Bad("absurd time: before 2020", lambda s: _anchored(s, 2**40 - s.clock.wall_ms()), "time_absurd", REJECTED),
    Bad("absurd time: anchor off by years", lambda s: _anchored(s, -3 * 365 * 24 * HOUR), "time_absurd", REJECTED),
    Bad("absurd time: a boot that began before 2020", _boot_before_2020, "time_absurd", REJECTED),
    Bad("absurd time: negative", lambda s: s.message(packed(header_json(s, m=-1))), "invalid_header"),
    Bad("NaN in the header", lambda s: s.message(packed(header_json(s, m=float("nan")))), "not_finite"),
    Bad("Infinity in the header", lambda s: s.message(packed(header_json(s, w=float("-inf")))), "not_finite"),
    Bad("10 MB message", lambda s: s.message(b"\xa1\x01" + b"x" * 10_000_000), "too_large"),
    Bad("unknown version", lambda s: s.message(packed(header_json(s), version=0xA2)), "unknown_version"),
    Bad("unknown dictionary", lambda s: s.message(packed(header_json(s), dictionary=0x77)), "unknown_version"),
    Bad("zip bomb", lambda s: s.message(packed(header_json(s), b"\0" * 50_000_000)), "too_large"),
    Bad("a birth that is not JSON", lambda s: s.message(b"\xff\x00", Lane.STATUS), "malformed", UNANSWERED),
    Bad("a birth of unknown version", lambda s: _birth_with(s, v=9), "unknown_version", UNANSWERED),
    Bad("a birth with half a letter", lambda s: _birth_with(s, boot_id="\ud800"), "malformed", UNANSWERED),
    Bad("topic that is not UTF-8", lambda s: _on_topic(s, "(a topic that is not UTF-8)"), "bad_topic", UNANSWERED),
    Bad("topic with too few parts", lambda s: _on_topic(s, "aldea/1/norte-01/live"), "bad_topic", UNANSWERED),
    Bad("topic with a bad id", lambda s: _on_topic(s, "aldea/1/Norte_01/agent/live"), "bad_topic", UNANSWERED),
    Bad("topic of no lane", lambda s: _on_topic(s, "aldea/1/norte-01/agent/gossip"), "bad_topic", UNANSWERED),
)

SINGLE_ROWS: tuple[Bad, ...] = (
    Bad("out of range: too large", lambda s: _rows(s, ping(1), ping(2, loss_ratio=1.5), ping(3)), "out_of_range"),
    Bad("out of range: negative", lambda s: _rows(s, ping(1), ping(2, sent=-1), ping(3)), "out_of_range"),
    Bad(
        "out of range: minus 300 degrees",
        lambda s: _rows(s, ping(1), row(2, "host", {"temperature_celsius": -300.0}), ping(3)),
        "out_of_range",
    ),
    Bad(
        "wrong kind: a text for a number",
        lambda s: _rows(s, ping(1), row(2, "ping", {"sent": "x"}), ping(3)),
        "out_of_range",
    ),
    Bad(
        "wrong kind: a number for a text",
        lambda s: _rows(s, ping(1), row(2, "ping", {"method": 4}), ping(3)),
        "out_of_range",
    ),
    Bad(
        "wrong kind: a flag for a number",
        lambda s: _rows(s, ping(1), row(2, "ping", {"sent": True}), ping(3)),
        "out_of_range",
    ),
    Bad(
        "wrong kind: a number for a flag",
        lambda s: _rows(s, ping(1), row(2, "interfaces", {"up": 7}), ping(3)),
        "out_of_range",
    ),
    Bad(
        "absurd time: a row measured after it was sent",
        lambda s: _rows(s, ping(1), ping(2, s.clock.mono_ms() + 2_000), ping(3)),
        "time_absurd",
    ),
    Bad(
        "absurd time: a row measured before its boot", lambda s: _rows(s, ping(1), ping(2, -5), ping(3)), "time_absurd"
    ),
)
