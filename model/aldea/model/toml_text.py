"""Settings written as TOML, for a person to read and change; `tomllib` reads what this writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def as_toml(document: Mapping[str, Any]) -> str:
    """Return a document as TOML: scalars and lists first, then tables and lists of tables. TOML has no null.

    Raises TypeError for a value that TOML can't say.
    """
    return "\n".join(_table(document, "")).strip("\n") + "\n" if document else ""


def _table(table: Mapping[str, Any], path: str) -> list[str]:
    lines = [f"{_key(key)} = {_value(item)}" for key, item in table.items() if not _is_table(item)]
    for key, item in table.items():
        name = f"{path}.{_key(key)}" if path else _key(key)
        if isinstance(item, Mapping):
            lines += ["", f"[{name}]", *_table(item, name)]
        elif _is_table(item):
            for one in item:
                lines += ["", f"[[{name}]]", *_table(one, name)]
    return lines


def _is_table(item: object) -> bool:
    return isinstance(item, Mapping) or (
        isinstance(item, list | tuple) and bool(item) and all(isinstance(one, Mapping) for one in item)
    )


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(item: object) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int | float):
        return repr(item)
    if isinstance(item, str):
        return _text(item)
    if isinstance(item, list | tuple):
        return f"[{', '.join(_value(one) for one in item)}]"
    if isinstance(item, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(one)}" for key, one in item.items()) + "}"
    raise TypeError(f"{item!r} cannot be written as TOML")


def _text(text: str) -> str:
    # JSON's escapes are TOML's too, but for DEL, which only TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
