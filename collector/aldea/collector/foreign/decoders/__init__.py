"""The formats that can be read. To add one: a file here with a function of this shape, and a line in DECODERS."""

from aldea.collector.foreign.decoders.keyed import decode_json
from aldea.collector.foreign.decoders.single import decode_value
from aldea.collector.foreign.decoders.telegraf import decode_telegraf
from aldea.collector.foreign.readings import Decoder

DECODERS: dict[str, Decoder] = {
    "json": decode_json,
    "telegraf": decode_telegraf,
    "value": decode_value,
}

OPTIONS: dict[str, frozenset[str]] = {
    "json": frozenset({"fields", "tags", "time_key", "time_format", "time_zone", "site_key", "device_key"}),
    "telegraf": frozenset({"fields", "time_format", "site_key", "device_key"}),
    "value": frozenset({"field", "kind"}),
}
"""Which settings each decoder looks at: others beside them are mistakes."""

__all__ = ["DECODERS", "OPTIONS", "Decoder"]
