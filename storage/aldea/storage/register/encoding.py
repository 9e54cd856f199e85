"""JSON as both databases take it: no NaN, no NUL, no half of a surrogate pair."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def clean_text(text: str) -> str:
    """Return `text` with what PostgreSQL refuses (NUL, lone surrogates) replaced by U+FFFD."""
    if "\x00" not in text and _encodes(text):
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\x00", "\ufffd")


def encode_json(value: object) -> str:
    """Return `value` as compact JSON; raises ValueError for NaN and infinity, TypeError for other types."""
    text = _dumps(value)
    if "\\u0000" in text or not _encodes(text):
        text = _dumps(_cleaned(value))
    return text


def plain(value: object) -> Any:
    """Return `value` as it will come back from the database: tuples as lists, keys as text.

    Raises ValueError or TypeError when it is not JSON.
    """
    return json.loads(encode_json(value))


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _encodes(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
