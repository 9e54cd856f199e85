"""Foreign names and values made ours: one level of keys, names in small letters, values that can be stored. Pure."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Any

from aldea.collector.foreign.readings import DecodeError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aldea.model.sample import Value

DEEPEST = 8
MOST_LEAVES = 200
MOST_TAGS = 16
LONGEST_NAME = 63
LONGEST_TEXT = 1024
LONGEST_TAG = 256
LIMIT = 2**62
WHOLE_FROM = LIMIT // 10**6
"""Numbers from here on (4.6e12) are kept whole: the journal keeps six decimals of smaller ones."""


def name_of(text: str) -> str:
    """Return a name as `[a-z][a-z0-9_]*`: `Wifi-RSSI` becomes `wifi_rssi`, `señal` `senal`; empty: nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return f"n_{name}" if name[:1].isdigit() else name


def id_of(text: str) -> str:
    """Return what may be a site's or a device's id: `Tasmota_AB12` becomes `tasmota-ab12`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:39]


def parse_json(payload: bytes) -> Any:
    """Return the document; NaN and infinities come as such, to be dropped alone. Raises DecodeError."""
    try:
        return json.loads(payload.decode())
    except RecursionError:
        raise DecodeError(f"it is nested deeper than {DEEPEST} levels") from None
    except ValueError as error:
        raise DecodeError(f"it is not JSON: {str(error)[:120]}") from None


def flatten(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the leaves of a document by their normalised path; of two with one name the first is kept.

    Raises DecodeError when it is nested too deep or holds too much.
    """
    found: dict[str, Any] = {}
    for name, value in _leaves(document, "", 1):
        found.setdefault(name, value)
        if len(found) > MOST_LEAVES:
            raise DecodeError(f"it holds more than {MOST_LEAVES} values", "too_large")
    return found


def _leaves(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        if depth > DEEPEST:
            raise DecodeError(f"it is nested deeper than {DEEPEST} levels", "too_large")
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from _leaves(item, f"{path} {key}", depth + 1)
    else:
        yield name_of(path), value


def clean_fields(leaves: Mapping[str, Any]) -> tuple[dict[str, Value], dict[str, int]]:
    """Return what can be stored, and how many were dropped by reason. Raises DecodeError when nothing is left."""
    kept: dict[str, Value] = {}
    dropped: Counter[str] = Counter()
    for name, value in leaves.items():
        reason = name_problem(name) or value_problem(value)
        if reason is not None:
            dropped[reason] += 1
        else:
            kept[name] = int(value) if isinstance(value, float) and abs(value) >= WHOLE_FROM else value
    if not kept:
        why = ", ".join(f"{count} {reason}" for reason, count in dropped.items()) or "it has none"
        raise DecodeError(f"it has no field that can be stored ({why})", "no_fields")
    return kept, dict(dropped)


def name_problem(name: str) -> str | None:
    """Return the word for what is wrong with a normalised name."""
    return None if 0 < len(name) <= LONGEST_NAME else "bad_name"


def value_problem(value: object) -> str | None:
    """Return the word for what is wrong with a value, None if it can be stored."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return _text_problem(value)
    if not isinstance(value, int | float):
        return "not_a_value"
    if isinstance(value, float) and not math.isfinite(value):
        return "not_finite"
    return "too_large" if abs(value) >= LIMIT else None


def _text_problem(text: str) -> str | None:
    if len(text) > LONGEST_TEXT:
        return "too_long"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "not_text"
    return None


def clean_tags(given: Mapping[str, Any]) -> dict[str, str]:
    """Return tags as texts; empty ones are none. Raises DecodeError: without one of its tags a series is another."""
    tags: dict[str, str] = {}
    for key, value in given.items():
        if value is None or value == "":
            continue
        name, text = name_of(key), _tag_text(value)
        if name_problem(name) or _text_problem(text) or len(text) > LONGEST_TAG:
            raise DecodeError(f"the tag {key[:60]!r} cannot be kept: names have 63 characters at most, texts 256")
        tags[name] = text
    if len(tags) > MOST_TAGS:
        raise DecodeError(f"it has {len(tags)} tags, {MOST_TAGS} can be kept: use fewer", "too_large")
    return tags


def _tag_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
