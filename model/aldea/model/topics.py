"""MQTT topics: `aldea/1/<site>/<device>/<lane>`, built and read in this one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from aldea.model.sample import is_id

ROOT = "aldea/1"


class Lane(StrEnum):
    """What a topic carries. Agents publish live, bulk and status; the server publishes ack and cmd."""

    LIVE = "live"
    BULK = "bulk"
    STATUS = "status"
    ACK = "ack"
    CMD = "cmd"


class TopicError(ValueError):
    """A topic that is not one of ours; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One of our topics, its parts checked."""

    site: str
    device: str
    lane: Lane

    def __str__(self) -> str:
        return f"{ROOT}/{self.site}/{self.device}/{self.lane.value}"


@lru_cache(maxsize=65_536)
def parse_topic(text: str) -> Topic:
    """Read a topic. Cached: a fleet's devices say the same few for ever.

    Raises TopicError with a sentence when it is not `aldea/1/<site>/<device>/<lane>`.
    """
    parts = text.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT:
        raise TopicError(f"topic {text[:120]!r} is not {ROOT}/<site>/<device>/<lane>")
    _, _, site, device, lane = parts
    for what, value in (("site", site), ("device", device)):
        if not is_id(value):
            raise TopicError(f"{what} {value[:60]!r} must be 1 to 39 of a-z, 0-9 and -, not starting with -")
    try:
        return Topic(site, device, Lane(lane))
    except ValueError:
        raise TopicError(f"lane {lane[:60]!r} is none of {', '.join(Lane)}") from None


def subscription(lane: Lane) -> str:
    """Return the filter that matches `lane` of every site and device."""
    return f"{ROOT}/+/+/{lane.value}"
