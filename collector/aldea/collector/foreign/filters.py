"""MQTT filters in which the levels `{site}` and `{device}` name whose reading it is. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aldea.model.said import Said
from aldea.model.topics import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMED = ("{site}", "{device}")
_OURS = f"{ROOT}/+/+/+"


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """A filter as the settings have it."""

    text: str

    @property
    def mqtt(self) -> str:
        """The filter for the broker."""
        return "/".join("+" if level in NAMED else level for level in self.text.split("/"))

    @property
    def names(self) -> set[str]:
        """Which of `site` and `device` its levels name."""
        return {level[1:-1] for level in self.text.split("/") if level in NAMED}

    def match(self, topic: str) -> Mapping[str, str] | None:
        """Return what the topic's levels name; None when it is not of this filter."""
        levels, wanted = topic.split("/"), self.text.split("/")
        if wanted[-1] == "#":
            wanted.pop()
            levels = levels[: len(wanted)] if len(levels) >= len(wanted) else []
        if len(levels) != len(wanted):
            return None
        found: dict[str, str] = {}
        for level, want in zip(levels, wanted, strict=True):
            if want in NAMED:
                found[want[1:-1]] = level
            elif want not in ("+", level):
                return None
        return found


def filter_problem(text: str) -> str | None:
    """Return what a setting expects instead of `text`, None when it is a filter that can be used."""
    levels = text.split("/")
    good = (
        0 < len(text.encode()) <= 1024
        and all(level in ("+", "#", *NAMED) or not set(level) & set("+#{}\0") for level in levels)
        and "#" not in levels[:-1]
        and all(levels.count(name) <= 1 for name in NAMED)
        and levels[0] != "$share"
    )
    if not good:
        return Said(
            "an MQTT filter: +, {site} and {device} each a whole level, # the last one, no $share",
            "un filtro de MQTT: +, {site} y {device} cada uno un nivel entero, # el último, sin $share",
        )
    if overlap(TopicFilter(text).mqtt, _OURS):
        return Said(f"a filter that leaves {ROOT}/... to the agents", f"un filtro que deje {ROOT}/... a los agentes")
    return None


def overlap(one: str, other: str) -> bool:
    """Say whether there is a topic that both filters match."""
    left, right = one.split("/"), other.split("/")
    for a, b in zip(left, right, strict=False):
        if "#" in (a, b):
            return True
        if a != b and "+" not in (a, b):
            return False
    if len(left) == len(right):
        return True
    longer, length = (left, len(right)) if len(left) > len(right) else (right, len(left))
    return longer[length:] == ["#"]
