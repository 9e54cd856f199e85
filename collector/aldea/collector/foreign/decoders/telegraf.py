"""Telegraf's JSON output: one metric, or `{"metrics": [...]}` as its batches are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aldea.collector.foreign.flat import clean_fields, clean_tags, flatten, name_of, parse_json
from aldea.collector.foreign.readings import MOST_READINGS, DecodeError, ForeignReading
from aldea.collector.foreign.times import read_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.foreign.readings import DecoderOptions, ForeignMessage


def decode_telegraf(message: ForeignMessage, options: DecoderOptions) -> Sequence[ForeignReading]:
    """Return one reading for each metric. The tags that name site and device are not kept as tags."""
    document = parse_json(message.payload)
    metrics = document.get("metrics", [document]) if isinstance(document, dict) else None
    if not isinstance(metrics, list) or not 0 < len(metrics) <= MOST_READINGS:
        raise DecodeError(f"it is not a metric of Telegraf's JSON, nor 1 to {MOST_READINGS} of them under `metrics`")
    return [_reading(metric, options) for metric in metrics]


def _reading(metric: Any, options: DecoderOptions) -> ForeignReading:
    parts = metric if isinstance(metric, dict) else {}
    name, fields, tags = parts.get("name"), parts.get("fields"), parts.get("tags", {})
    if not (isinstance(name, str) and isinstance(fields, dict) and isinstance(tags, dict)):
        raise DecodeError("a metric has a `name` (text), `fields` (object), `tags` (object) and a `timestamp`")
    own = {name_of(key): value for key, value in tags.items()}
    leaves = flatten(fields)
    if options.fields:
        leaves = {key: value for key, value in leaves.items() if key in options.fields}
    kept, dropped = clean_fields(leaves)
    site, device = (None if key is None else own.pop(key, None) for key in (options.site_key, options.device_key))
    return ForeignReading(
        options.measurement or name_of(name),
        clean_tags(own),
        kept,
        read_time(parts.get("timestamp"), options.time_format, options.time_zone),
        None if site is None else str(site),
        None if device is None else str(device),
        dropped,
    )
