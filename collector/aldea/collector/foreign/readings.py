"""What a decoder gets and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aldea.model.sample import Value

MOST_READINGS = 1_000
"""In one message."""


class DecodeError(ValueError):
    """A message that cannot be read: the text is a sentence for people, `reason` a word to count by."""

    def __init__(self, sentence: str, reason: str = "malformed") -> None:
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ForeignMessage:
    """A message as its publisher made it."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class DecoderOptions:
    """What the settings of a source tell its decoder. Keys are names as `flat.name_of` makes them.

    `field` and `kind` belong to a single value; the rest to formats with keys. `time_format` is one of
    `times.FORMATS`; `time_zone` an IANA name for ISO times that state no zone.
    """

    measurement: str | None = None
    fields: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    field: str = "value"
    kind: str = "number"
    time_key: str | None = None
    time_format: str = "unix_s"
    time_zone: str = "UTC"
    site_key: str | None = None
    device_key: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignReading:
    """One reading. `time_ms` is the publisher's own (milliseconds since 1970), None when it states none.

    `site` and `device` are what the message itself says, if anything. `dropped` counts, by reason, the fields that
    could not be kept.
    """

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, Value]
    time_ms: int | None = None
    site: str | None = None
    device: str | None = None
    dropped: Mapping[str, int] = field(default_factory=dict)


Decoder = Callable[[ForeignMessage, DecoderOptions], Sequence[ForeignReading]]
"""Pure. Raises DecodeError when there is not one reading to be had."""
