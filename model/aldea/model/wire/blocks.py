"""A block's description in a header: measurement, tags, columns and texts, checked, and kept where they are short."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from aldea.model.catalogue import LONG_TEXT
from aldea.model.sample import Tags, tags_of
from aldea.model.wire.format import MAX_ROWS, BlockSpec, Column, Rejected, width_of

_COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}:(?:[0-9]|i|b|s)\??")
SHORT = 6_144
"""Bytes of a header, or characters of a block's texts: what is longer is looked at before it is kept in memory."""
Texts = tuple[tuple[str, tuple[Any, ...]], ...]
"""The texts of a block's columns, by their names."""


def block_of(raw: Any, *, is_short: bool) -> BlockSpec:
    """Return what describes a block; `is_short`: the whole header is. Raises Rejected (`malformed`)."""
    if not (isinstance(raw, list) and len(raw) >= 5):
        raise Rejected("malformed", "a block is not [measurement, tags, rows, columns, texts]")
    measurement, tags, rows, columns, texts = raw[:5]
    good = (
        isinstance(measurement, str)
        and 0 < len(measurement) <= 64
        and isinstance(tags, dict)
        and type(rows) is int
        and 0 < rows <= MAX_ROWS
        and isinstance(columns, str)
        and isinstance(texts, dict)
        and all(isinstance(listed, list) for listed in texts.values())
    )
    if not good:
        raise Rejected("malformed", f"a block's description is wrong: {str(raw)[:120]}")
    try:
        words = tuple([(name, tuple(listed)) for name, listed in texts.items()])
        if is_short or (len(columns) <= 2048 and _is_short(words)):
            return _known_block(measurement, tuple(tags.items()), rows, columns, words)
        parsed, width = _columns.__wrapped__(columns, words)
        return BlockSpec(measurement, _tags(tuple(tags.items())), rows, parsed, " ".join(columns.split()), width)
    except TypeError:  # not hashable: a list or an object where a text belongs
        raise Rejected("malformed", f"a block's tags or texts are not texts: {str(raw)[:120]}") from None


def _is_short(words: Texts) -> bool:
    """Say whether a block's texts may be kept in memory, all together: who sends long ones could fill it."""
    if len(words) > 64 or sum([len(listed) for _, listed in words]) > 64:
        return False
    size = sum([len(name) for name, _ in words])
    return size + sum([len(one) for _, listed in words for one in listed if type(one) is str]) <= SHORT


@lru_cache(maxsize=2048)
def _known_block(
    measurement: str, tags: tuple[tuple[str, Any], ...], rows: int, columns: str, texts: Texts
) -> BlockSpec:
    """Return what describes a block. Cached, as are its parts: a fleet sends the same few, mostly with as many rows."""
    parsed, width = _columns(columns, texts)
    return BlockSpec(measurement, _tags(tags), rows, parsed, " ".join(columns.split()), width)


@lru_cache(maxsize=4096)
def _tags(items: tuple[tuple[str, Any], ...]) -> Tags:
    """Check and sort tags. Cached, as are columns: a fleet sends the same few dozen for ever."""
    if len(items) > 16 or not all(isinstance(v, str) and len(k) <= 64 and len(v) <= 256 for k, v in items):
        raise Rejected("malformed", f"the tags of a block are not at most 16 texts: {str(items)[:120]}")
    return tags_of(dict(items))


@lru_cache(maxsize=1024)
def _columns(columns: str, texts: Texts) -> tuple[tuple[Column, ...], int]:
    """Read a block's columns; return them, and how many varints a row takes."""
    listed = dict(texts)
    parsed = tuple(_column(text, listed) for text in columns.split())
    if len({column.name for column in parsed}) != len(parsed) or len(parsed) > 256:
        raise Rejected("malformed", f"a block names a column twice or has more than 256: {columns[:120]}")
    return parsed, width_of(parsed)


def _column(text: str, texts: dict[str, tuple[Any, ...]]) -> Column:
    if _COLUMN.fullmatch(text) is None:
        raise Rejected("malformed", f"column {text[:80]!r} is not name:type")
    name, _, kind = text.partition(":")
    code, nullable = kind.rstrip("?"), kind.endswith("?")
    if code != "s":
        return Column(name, code, nullable)
    listed = texts.get(name, ())
    if not all(isinstance(item, str) and len(item) <= LONG_TEXT for item in listed):
        raise Rejected("malformed", f"the texts of column {name!r} are not a list of texts")
    return Column(name, "s", nullable, listed)
