"""Readings into what the outbox keeps: a series, and its values, which the wire can always carry.

Whatever a probe returns, one bad value costs that value alone: it is stored as "not known".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping

from aldea.model.catalogue import CATALOGUE, SHORT_TEXT, Kind, field_of
from aldea.model.sample import Reading, Row, Value, tags_of
from aldea.model.wire.format import DEFAULT_DECIMALS

_FIELD = re.compile(r"[a-z][a-z0-9_]{0,62}")
_MAX_TAGS = 16
_MAX_FIELDS = 256
_MAX_MAGNITUDE = 2**62 - 1


def shape(reading: Reading) -> tuple[str, str]:
    """Return (series, values) as JSON: `[measurement, tags, field names]`, and the values in that order."""
    names = [name for name in reading.fields if _FIELD.fullmatch(str(name))][:_MAX_FIELDS]
    measurement = (_text(reading.measurement) or "unnamed")[:64]
    values = [_known(measurement, name, reading.fields[name]) for name in names]
    series = [measurement, _tags(measurement, reading.tags), names]
    return _dump(series), _dump(values)


def row_of(seq: int, mono_ms: int, series: str, values: str) -> Row:
    """Return the row that `series` and `values` stand for.

    One that the disk has spoilt becomes its own tombstone, so that its seq does not stay a riddle.
    """
    try:
        measurement, tags, names = json.loads(series)
        fields: dict[str, Value] = dict(zip(names, json.loads(values), strict=True))
        return Row(seq, mono_ms, measurement, tags_of(tags), fields)
    except (ValueError, TypeError, AttributeError):
        spoilt: dict[str, Value] = {"first_seq": seq, "last_seq": seq, "count": 1, "reason": "unreadable"}
        return Row(seq, mono_ms, "tombstone", (), spoilt)


def _dump(content: object) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)


def _tags(measurement: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Keep the tags that fit on the wire; the catalogue's own first when there are too many."""
    entry = CATALOGUE.get(measurement)
    listed = entry.tags if entry is not None else ()
    names = sorted(tags, key=lambda name: (name not in listed, str(name)))[:_MAX_TAGS]
    return {_text(name)[:64]: _text(tags[name])[:256] for name in sorted(names, key=str)}


def _known(measurement: str, name: str, value: object) -> Value:
    """Return `value` as the kind its field has, or None when it is not one."""
    if value is None:
        return None
    listed = field_of(measurement, name)
    kind = _kind_of(value) if listed is None else listed.kind
    if kind is Kind.TEXT:
        longest = SHORT_TEXT if listed is None else listed.longest
        return _text(value)[:longest] if isinstance(value, str) else None
    if kind is Kind.FLAG:
        return bool(value) if value in {True, False} else None
    if not isinstance(value, int | float):
        return None
    decimals = DEFAULT_DECIMALS if listed is None else listed.decimals
    return _number(value, decimals if kind is Kind.REAL else None)


def _kind_of(value: object) -> Kind | None:
    for python, kind in ((bool, Kind.FLAG), (int, Kind.INTEGER), (float, Kind.REAL), (str, Kind.TEXT)):
        if isinstance(value, python):
            return kind
    return None


def _number(value: float, decimals: int | None) -> Value:
    """Return the number as the wire can carry it, a real rounded to its resolution; else None."""
    if not math.isfinite(value):
        return None
    if decimals is None:
        return int(value) if value == int(value) and abs(value) <= _MAX_MAGNITUDE else None
    rounded = round(float(value), decimals)
    return rounded if abs(rounded) * 10**decimals < _MAX_MAGNITUDE else None


def _text(value: object) -> str:
    """Return `value` as text that UTF-8 can carry (a lone surrogate, as from a file's name, cannot)."""
    return str(value).encode("utf-8", "replace").decode("utf-8")
