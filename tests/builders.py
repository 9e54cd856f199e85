"""Batches for tests, made the way they come to a store: rows encoded as an agent does, decoded as a collector does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aldea.model.clock import ClockState
from aldea.model.columns import Batch, TimedBatch, decode_columns
from aldea.model.sample import Row, Value, tags_of
from aldea.model.wire import Header, encode

START_MS = 1_750_000_000_000 - 1_750_000_000_000 % 86_400_000
"""A UTC midnight in June 2025: `make_batch` puts mono_ms 0 there unless told otherwise."""

EPOCH = "0123456789abcdef"


def make_header(
    first_seq: int, rows: int, *, site: str = "norte-01", device: str = "agent", epoch: str = EPOCH, **other: Any
) -> Header:
    """Return a header whose remaining parts are of no matter to the test."""
    values: dict[str, Any] = {
        "boot_id": "b" * 16,
        "boot_no": 1,
        "sent_mono_ms": 0,
        "sent_wall_ms": START_MS,
        "clock": ClockState.NTP,
        **other,
    }
    return Header(site=site, device=device, epoch=epoch, first_seq=first_seq, rows=rows, **values)


def make_row(
    seq: int,
    mono_ms: int,
    fields: Mapping[str, Value],
    *,
    measurement: str = "ping",
    tags: Mapping[str, str] | None = None,
) -> Row:
    """Return one row; `tags` default to one target."""
    named = {"target": "gateway"} if tags is None else tags
    return Row(seq, mono_ms, measurement, tags_of(named), fields)


def make_batch(
    rows: Sequence[Row],
    *,
    site: str = "norte-01",
    device: str = "agent",
    epoch: str = EPOCH,
    offset_ms: int = START_MS,
    estimated: bool = False,
) -> TimedBatch:
    """Return `rows`, of consecutive seqs, as the batch that a collector would hand to a store."""
    header = make_header(rows[0].seq if rows else 1, len(rows), site=site, device=device, epoch=epoch)
    return TimedBatch(reread(header, rows), offset_ms, estimated)


def reread(header: Header, rows: Sequence[Row]) -> Batch:
    """Encode rows as an agent does and decode them as a collector does."""
    return decode_columns(encode(header, rows))


def make_pings(
    times_ms: Iterable[int],
    *,
    first_seq: int = 1,
    targets: Sequence[str] = ("gateway",),
    values: Sequence[float] | None = None,
) -> list[Row]:
    """Return a ping row at each time after boot for each target; `values` are the mean round trips."""
    rows: list[Row] = []
    for index, mono_ms in enumerate(times_ms):
        for target in targets:
            seconds = values[index] if values is not None else 0.02 + (index % 50) / 1000
            fields: dict[str, Value] = {
                "sent": 3,
                "received": 3,
                "loss_ratio": 0.0,
                "rtt_min_seconds": seconds,
                "rtt_avg_seconds": seconds,
                "rtt_max_seconds": seconds,
                "method": "icmp",
            }
            rows.append(make_row(first_seq + len(rows), mono_ms, fields, tags={"target": target}))
    return rows
