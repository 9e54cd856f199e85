"""Documents of settings laid over one another: a file's, a profile's, a device's differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]
"""A table of settings as TOML and JSON have it: keys to tables, lists and scalars."""


DEEPEST = 12
"""So many tables and lists lie within one another at the most; no settings need half of it."""


def is_too_deep(document: Document) -> bool:
    """Say whether tables and lists lie so deep within one another that no settings do: look before all else."""
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [part for item in level for part in _parts(item)]
        if not level:
            return False
    return True


def _parts(item: Any) -> list[Any]:
    inner = item.values() if isinstance(item, Mapping) else item if isinstance(item, list | tuple) else ()
    return [part for part in inner if isinstance(part, Mapping | list | tuple)]


def merged(below: Document, above: Document) -> dict[str, Any]:
    """Return `below` with `above` laid over it, as JSON Merge Patch has it (RFC 7396).

    Tables merge key by key; lists and scalars replace; a None in `above` takes the key out, so that what lies further
    below holds. The result has no None in a table, and shares nothing with what it was made of.
    """
    found = {key: _copied(value) for key, value in below.items() if value is not None}
    for key, value in above.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            under = found.get(key)
            found[key] = merged(under if isinstance(under, Mapping) else {}, value)
        else:
            found[key] = _copied(value)
    return found


def leaves(document: Document, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each setting of a document with its dotted key; a list counts as one, a table in a list too."""
    for key, value in document.items():
        name = f"{path}.{key}" if path else str(key)
        if isinstance(value, Mapping):
            yield from leaves(value, name)
        else:
            yield name, value


def changed_keys(before: Document, after: Document) -> list[str]:
    """Return the dotted keys whose values differ between two documents, in order."""
    old, new = dict(leaves(before)), dict(leaves(after))
    missing = object()
    return sorted(key for key in old.keys() | new.keys() if old.get(key, missing) != new.get(key, missing))


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items() if item is not None}
    return [_copied(item) for item in value] if isinstance(value, list | tuple) else value
