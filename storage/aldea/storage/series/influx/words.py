"""Names and texts as line protocol and InfluxQL want them, and back.

A tag cannot hold a line break, and a backslash before a comma would be read as an escape: such characters are
written as `%0A`, `%5C` and so on, which nothing else is, since a `%` that could be taken for one is written `%25`.
A row's own tag or field that has one of our own names gets `row_` before it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from aldea.model.sample import Tags

SITE, DEVICE, EPOCH, PRESENT = "site", "device", "epoch", "present"

_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]|^#|%(?=[01][0-9A-F]|7F|5C|23|25)")
_ESCAPED = re.compile(r"%([01][0-9A-F]|7F|5C|23|25)")
_SEPARATORS = re.compile(r"[ ,=]")
_OURS = re.compile(r"(?:row_)*(?:site|device|epoch|time|present)")


def safe(text: str) -> str:
    """Return `text` with characters that a tag or a name cannot hold written as `%XX`."""
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", text)


def unsafe(text: str) -> str:
    """Return what `safe` was given."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def key_out(name: str) -> str:
    """Return the tag or field key under which a row's own tag or field is stored."""
    return "row_" + name if _OURS.fullmatch(name) else safe(name)


def key_in(name: str) -> str:
    """Return the name of a row's own tag or field from its stored key."""
    plain = unsafe(name)
    return plain.removeprefix("row_") if _OURS.fullmatch(plain) else plain


def line_word(text: str) -> str:
    """Return a name, tag key or tag value for line protocol."""
    return _SEPARATORS.sub(lambda found: "\\" + found[0], safe(text))


def line_text(text: str) -> str:
    """Return a text field's value for line protocol, quotes included."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def name_ql(name: str) -> str:
    """Return an identifier for InfluxQL, quotes included."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def text_ql(text: str) -> str:
    """Return a text for InfluxQL, quotes included."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


@lru_cache(maxsize=16384)
def series_prefix(site: str, device: str, epoch: str, measurement: str, tags: Tags) -> str:
    """Return how each line of a series begins: measurement and tags in order of their keys, and a space."""
    pairs = {SITE: site, DEVICE: device, EPOCH: epoch[:8]}
    pairs.update((key_out(key), value) for key, value in tags if key and value)
    listed = ",".join(f"{line_word(key)}={line_word(value)}" for key, value in sorted(pairs.items()))
    return f"{line_word(measurement)},{listed} "
