"""Readings and samples: what a probe returns, and what the runner makes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

Value = int | float | str | bool | None
Tags = tuple[tuple[str, str], ...]

ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,38}")
"""What a site's or a device's id looks like."""


def is_id(text: str) -> bool:
    """Say whether `text` may name a site or a device: 1 to 39 of `a-z 0-9 -`, not starting with `-`."""
    return ID_PATTERN.fullmatch(text) is not None


def tags_of(mapping: Mapping[str, str]) -> Tags:
    """Return `mapping` as sorted pairs, so that equal tag sets are equal values."""
    return tuple(sorted(mapping.items()))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a probe returns: it knows neither site nor time.

    `fields` maps a field's name, unit included (`rtt_avg_seconds`), to its value; None is "not known",
    never zero. A failed measurement is a reading whose `failure` field holds a `Failure` word.
    """

    measurement: str
    fields: Mapping[str, Value]
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A reading at its place in one outbox: gapless `seq`, and milliseconds since that boot.

    `mono_ms` counts from boot (CLOCK_BOOTTIME), so it never jumps; a boot's anchor makes it wall time.
    """

    seq: int
    mono_ms: int
    measurement: str
    tags: Tags
    fields: Mapping[str, Value]
