"""JSON as both databases take it: no NaN, no NUL, no half of a surrogate pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson


def decode_json(stored: object) -> Any:
    """Return the value of stored JSON. SQLite hands a bare number back as a number."""
    return orjson.loads(stored) if isinstance(stored, str | bytes) else stored


def clean_text(text: str) -> str:
    """Return `text` with what PostgreSQL refuses (NUL, lone surrogates) replaced by U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\x00", "\ufffd")


def encode_json(value: object) -> str:
    """Return `value` as compact JSON. NaN and infinity become null: they are values that are not known.

    Raises TypeError for what is not JSON.
    """
    try:
        encoded = orjson.dumps(value, default=_mapping)
    except orjson.JSONEncodeError:
        # Lone surrogates and keys that are not text are refused: mend them, and let the rest raise.
        encoded = orjson.dumps(_cleaned(value), default=_mapping)
    if b"\\u0000" in encoded:
        encoded = orjson.dumps(_cleaned(value), default=_mapping)
    return encoded.decode()


def plain(value: object) -> Any:
    """Return `value` as it will come back from the database: tuples as lists, keys as text.

    Raises ValueError for NaN and infinity, TypeError for what is not JSON.
    """
    return json.loads(json.dumps(_cleaned(value), allow_nan=False))


def _mapping(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON: use objects, lists, text, numbers, true, false, null")


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
