"""Answers as rows: what is said of a command, short enough for the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aldea.agents.operating.handler import State
from aldea.model.catalogue import LONG_TEXT
from aldea.model.sample import Reading

_SHORTEST_TEXT = 200
_SHORTENED = "shortened"


def answer(command_id: str, kind: str, state: State, detail: Mapping[str, Any]) -> Reading:
    """Return the row that answers a command."""
    fields = {"command": command_id, "kind": kind[:40], "state": state.value, "detail": answer_text(detail)}
    return Reading("command", fields)


def answer_text(detail: Mapping[str, Any], most: int = LONG_TEXT) -> str:
    """Return `detail` as JSON of at most `most` characters.

    What is too long loses the ends of its longest texts and lists, and says so (`shortened`). What is not JSON is
    said as text.
    """
    whole = as_json(detail)
    if len(whole) <= most:
        return whole
    cut: dict[str, Any] = {**json.loads(whole), _SHORTENED: True}
    while len(as_json(cut)) > most:
        _, holder, key = max(_long_parts(cut), default=(0, None, None), key=lambda part: part[0])
        if holder is None:
            return as_json({_SHORTENED: True, "sentence": "the answer has more parts than can be sent"})
        part = holder[key]
        holder[key] = part[: len(part) // 2]
    return as_json(cut)


def as_json(value: object) -> str:
    """Return compact JSON; letters beyond ASCII stay one character each."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def read_answer(text: str) -> Mapping[str, Any]:
    """Return the detail that `answer_text` wrote."""
    found = json.loads(text)
    return found if isinstance(found, dict) else {}


def _long_parts(value: object) -> list[tuple[int, Any, Any]]:
    """Return (length as JSON, holder, key) of each text and list within that can be halved."""
    found: list[tuple[int, Any, Any]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in items:
        if (isinstance(part, str) and len(part) > _SHORTEST_TEXT) or (isinstance(part, list) and len(part) > 1):
            found.append((len(as_json(part)), value, key))
        found += _long_parts(part)
    return found
