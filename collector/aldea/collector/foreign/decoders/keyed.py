"""Any JSON object, or a list of them: its leaves are fields unless the settings say otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aldea.collector.foreign.flat import clean_fields, clean_tags, flatten, parse_json
from aldea.collector.foreign.readings import MOST_READINGS, DecodeError, ForeignReading
from aldea.collector.foreign.times import read_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.foreign.readings import DecoderOptions, ForeignMessage


def decode_json(message: ForeignMessage, options: DecoderOptions) -> Sequence[ForeignReading]:
    """Return one reading for each object."""
    document = parse_json(message.payload)
    items = document if isinstance(document, list) else [document]
    if not 0 < len(items) <= MOST_READINGS:
        raise DecodeError(f"it is a list of {len(items)}, expected 1 to {MOST_READINGS}", "too_large")
    return [_reading(item, options) for item in items]


def _reading(item: Any, options: DecoderOptions) -> ForeignReading:
    if not isinstance(item, dict):
        raise DecodeError(f"it is {str(item)[:40]!r}, expected an object with keys; for a bare value take `value`")
    leaves = flatten(item)
    named = {options.time_key, options.site_key, options.device_key, *options.tags}
    wanted = {
        name: value
        for name, value in leaves.items()
        if (name in options.fields if options.fields else name not in named)
    }
    fields, dropped = clean_fields(wanted)
    time = None if options.time_key is None else leaves.get(options.time_key)
    assert options.measurement is not None, "the settings ask for it"
    return ForeignReading(
        options.measurement,
        clean_tags({name: leaves.get(name) for name in options.tags}),
        fields,
        read_time(time, options.time_format, options.time_zone),
        _text(leaves, options.site_key),
        _text(leaves, options.device_key),
        dropped,
    )


def _text(leaves: dict[str, Any], key: str | None) -> str | None:
    value = None if key is None else leaves.get(key)
    return None if value is None else str(value)
