"""The small messages beside batches, as JSON: status (birth and last will), acknowledgement, command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aldea.model.clock import ClockState
from aldea.model.sample import is_id
from aldea.model.wire import Anchor, Rejected, anchor_of

VERSION = 1
MAX_BYTES = 16 * 1024

Range = tuple[int, int]
"""First and last seq, both included."""


@dataclass(frozen=True, slots=True)
class Birth:
    """What an agent says when it connects. Retained; `connection` grows with each connection, for ever.

    `first_seq` is the oldest seq it still holds, `last_seq` the newest it has given (0: none yet).
    `sees` is what the box can measure (`wan_bytes`, `clients`, `power`); what it can't is not collected.
    """

    site: str
    device: str
    connection: int
    epoch: str
    first_seq: int
    last_seq: int
    boot_id: str
    boot_no: int
    mono_ms: int
    wall_ms: int
    clock: ClockState
    sample_seconds: int
    send_seconds: int
    version: str
    anchor: Anchor | None = None
    sees: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says when an agent is gone (`lost`), or the agent itself when it stops (`stopped`)."""

    site: str
    device: str
    connection: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ack:
    """The collector's answer: what became of which seqs of an epoch. Ranges include both ends.

    `echo_mono_ms` repeats the `sent_mono_ms` of what is answered, so that the agent can time the round trip.
    `highest_seq` is the highest seq the collector knows of the epoch (0: none). `refused` lists messages that
    could not even be read, as (first 16 hex digits of the payload's SHA-256, reason).
    """

    epoch: str
    server_ms: int
    echo_mono_ms: int | None
    highest_seq: int
    stored: Sequence[Range] = ()
    rejected: Sequence[tuple[int, int, str]] = ()
    conflict: Sequence[Range] = ()
    refused: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """Something an agent is asked to do. Sent again after each birth until answered or expired."""

    id: str
    kind: str
    payload: Mapping[str, Any]
    expires_ms: int


Status = Birth | Will


def encode_status(status: Status) -> bytes:
    """Return the JSON of a birth or a will."""
    if isinstance(status, Will):
        return _dump(
            {
                "state": "offline",
                "site": status.site,
                "device": status.device,
                "connection": status.connection,
                "reason": status.reason,
            }
        )
    anchor = status.anchor
    return _dump(
        {
            "state": "online",
            "site": status.site,
            "device": status.device,
            "connection": status.connection,
            "epoch": status.epoch,
            "first_seq": status.first_seq,
            "last_seq": status.last_seq,
            "boot_id": status.boot_id,
            "boot_no": status.boot_no,
            "mono_ms": status.mono_ms,
            "wall_ms": status.wall_ms,
            "clock": status.clock.value,
            "sample_seconds": status.sample_seconds,
            "send_seconds": status.send_seconds,
            "version": status.version,
            "anchor": None if anchor is None else [anchor.mono_ms, anchor.wall_ms, anchor.error_ms, anchor.source],
            "sees": dict(status.sees),
        }
    )


def parse_status(payload: bytes) -> Status:
    """Read a birth or a will. Raises Rejected with a reason and a sentence."""
    raw = _load(payload)
    site, device = _str(raw, "site"), _str(raw, "device")
    if not (is_id(site) and is_id(device)):
        raise Rejected("invalid_header", "site and device must be ids of a-z, 0-9 and -")
    connection = _int(raw, "connection")
    if raw.get("state") == "offline":
        return Will(site, device, connection, _str(raw, "reason")[:32])
    if raw.get("state") != "online":
        raise Rejected("malformed", f"state is {str(raw.get('state'))[:40]!r}, expected 'online' or 'offline'")
    clock = raw.get("clock")
    if clock not in tuple(ClockState):
        raise Rejected("invalid_header", f"clock is {str(clock)[:40]!r}, expected {', '.join(ClockState)}")
    sees = raw.get("sees") or {}
    if not isinstance(sees, dict):
        raise Rejected("malformed", "sees is not an object")
    return Birth(
        site=site,
        device=device,
        connection=connection,
        epoch=_str(raw, "epoch")[:32],
        first_seq=_int(raw, "first_seq"),
        last_seq=_int(raw, "last_seq"),
        boot_id=_str(raw, "boot_id")[:32],
        boot_no=_int(raw, "boot_no"),
        mono_ms=_int(raw, "mono_ms"),
        wall_ms=_int(raw, "wall_ms", low=-(2**53)),
        clock=ClockState(clock),
        sample_seconds=_int(raw, "sample_seconds", low=1),
        send_seconds=_int(raw, "send_seconds", low=1),
        version=_str(raw, "version")[:40],
        anchor=None if raw.get("anchor") is None else anchor_of(raw["anchor"]),
        sees={str(key)[:40]: bool(value) for key, value in list(sees.items())[:32]},
    )


def encode_ack(ack: Ack) -> bytes:
    """Return the JSON of an acknowledgement; empty parts are left out, since every byte is paid for."""
    out: dict[str, Any] = {"e": ack.epoch, "t": ack.server_ms, "h": ack.highest_seq}
    if ack.echo_mono_ms is not None:
        out["m"] = ack.echo_mono_ms
    for key, part in (("s", ack.stored), ("r", ack.rejected), ("c", ack.conflict), ("u", ack.refused)):
        if part:
            out[key] = [list(item) for item in part]
    return _dump(out)


def parse_ack(payload: bytes) -> Ack:
    """Read an acknowledgement. Raises Rejected."""
    raw = _load(payload)
    try:
        return Ack(
            epoch=_str(raw, "e"),
            server_ms=_int(raw, "t"),
            echo_mono_ms=raw["m"] if type(raw.get("m")) is int else None,
            highest_seq=_int(raw, "h"),
            stored=[(int(a), int(b)) for a, b in raw.get("s", [])],
            rejected=[(int(a), int(b), str(reason)) for a, b, reason in raw.get("r", [])],
            conflict=[(int(a), int(b)) for a, b in raw.get("c", [])],
            refused=[(str(digest), str(reason)) for digest, reason in raw.get("u", [])],
        )
    except (TypeError, ValueError) as error:
        if isinstance(error, Rejected):
            raise
        raise Rejected("malformed", "a range of the acknowledgement is not a list of two or three") from None


def encode_command(command: Command) -> bytes:
    """Return the JSON of a command."""
    return _dump(
        {
            "id": command.id,
            "kind": command.kind,
            "payload": dict(command.payload),
            "expires_ms": command.expires_ms,
        }
    )


def parse_command(payload: bytes) -> Command:
    """Read a command. Raises Rejected."""
    raw = _load(payload)
    content = raw.get("payload", {})
    if not isinstance(content, dict):
        raise Rejected("malformed", "payload is not an object")
    return Command(_str(raw, "id"), _str(raw, "kind"), content, _int(raw, "expires_ms"))


def _dump(raw: Mapping[str, Any]) -> bytes:
    return json.dumps({"v": VERSION, **raw}, separators=(",", ":"), ensure_ascii=False).encode()


def _load(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_BYTES:
        raise Rejected("too_large", f"the message has {len(payload)} bytes, the limit is {MAX_BYTES}")
    try:
        raw = json.loads(payload)
        if b"\\u" in payload:
            json.dumps(raw, ensure_ascii=False).encode()  # half a surrogate pair, which nothing can store, ends here
    except (ValueError, RecursionError):
        raise Rejected("malformed", "the message is not JSON") from None
    if not isinstance(raw, dict):
        raise Rejected("malformed", "the message is not a JSON object")
    if raw.get("v") != VERSION:
        raise Rejected("unknown_version", f"version {str(raw.get('v'))[:20]} is not known here")
    return raw


def _str(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or len(value) > 1024:
        raise Rejected("malformed", f"{key} is missing or not a text")
    return value


def _int(raw: Mapping[str, Any], key: str, low: int = 0) -> int:
    value = raw.get(key)
    if type(value) is not int or not low <= value <= 2**53:
        raise Rejected("malformed", f"{key} is {str(value)[:40]!r}, expected a whole number from {low}")
    return value
