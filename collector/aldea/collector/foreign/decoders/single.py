"""A payload that is one value: the topic says what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aldea.collector.foreign.flat import clean_fields
from aldea.collector.foreign.readings import DecodeError, ForeignReading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.collector.foreign.readings import DecoderOptions, ForeignMessage
    from aldea.model.sample import Value

KINDS = ("number", "flag", "text")

_FLAGS = dict.fromkeys(("on", "true", "yes", "online", "open", "1"), True) | dict.fromkeys(
    ("off", "false", "no", "offline", "closed", "0"), False
)
_WORDS_FOR_NOTHING = frozenset(("unknown", "unavailable", "none", "null", "nan"))


def decode_value(message: ForeignMessage, options: DecoderOptions) -> Sequence[ForeignReading]:
    """Return the one reading. Its kind is the settings', so that one odd payload can't make a number a text."""
    try:
        text = message.payload.decode().strip()
    except UnicodeDecodeError:
        raise DecodeError("it is not text (UTF-8)") from None
    if not text:
        raise DecodeError("it is empty", "no_fields")
    fields, dropped = clean_fields({options.field: _value(text, options.kind)})
    assert options.measurement is not None, "the settings ask for it"
    return [ForeignReading(options.measurement, {}, fields, dropped=dropped)]


def _value(text: str, kind: str) -> Value:
    if kind == "text":
        return text
    if text.lower() in _WORDS_FOR_NOTHING:
        return None
    if kind == "flag":
        if text.lower() not in _FLAGS:
            raise DecodeError(f"{text[:60]!r} is neither on nor off")
        return _FLAGS[text.lower()]
    try:
        # Python's own spellings beyond a plain number ("1_000") are nobody's here.
        return float("x" if "_" in text else text) if not text.lstrip("+-").isdecimal() else int(text)
    except ValueError:
        raise DecodeError(f'{text[:60]!r} is not a number; if it is meant to be text, set kind = "text"') from None
