"""YAML as a rules file needs it: plain values only, and no key twice (YAML itself would keep the last). Pure."""

from __future__ import annotations

from typing import Any

import yaml


class DuplicateKeyError(yaml.YAMLError):
    """A table has the same key twice."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(f"duplicate key {key!r} in line {line}")
        self.key = key
        self.line = line


class _Loader(yaml.SafeLoader):
    """Plain values; refuses duplicate keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - the library's signature
        """Return a table as a dictionary."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                raise DuplicateKeyError(str(key.value), key.start_mark.line + 1)
            seen.add(key.value if isinstance(key.value, str) else str(key.value))
        return super().construct_mapping(node, deep=deep)


def parse_yaml(text: str) -> Any:
    """Return the document's value. Raises yaml.YAMLError, DuplicateKeyError among them."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - derived from SafeLoader
