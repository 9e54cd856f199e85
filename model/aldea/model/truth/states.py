"""The words of settled truth, and the one letter that stands for each kind of slot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class TruthState(StrEnum):
    """What is settled of a stretch of time. Unknown is never counted as up or down."""

    UP = "up"
    DOWN = "down"
    PLANNED = "planned"
    OFF = "off"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a site was down, or why nothing is known (`platform`: our own collectors were away)."""

    POWER = "power"
    BACKHAUL = "backhaul"
    SITE_LAN = "site_lan"
    DEVICE = "device"
    SHARED_UPSTREAM = "shared_upstream"
    ACCOUNT = "account"
    PLATFORM = "platform"
    PLANNED = "planned"
    UNKNOWN = "unknown"


class Code(StrEnum):
    """What a slot of five minutes is, in one letter. A letter once stored keeps its meaning; new ones are appended."""

    UP = "U"
    DEGRADED = "u"
    WEB_ONLY = "w"
    BACKHAUL = "b"
    SITE_LAN = "l"
    POWER = "p"
    ACCOUNT = "a"
    DOWN = "d"
    PLANNED_BACKHAUL = "B"
    PLANNED_SITE_LAN = "L"
    PLANNED_POWER = "P"
    PLANNED_ACCOUNT = "A"
    PLANNED_DOWN = "D"
    OFF = "o"
    SILENT = "?"
    HOLE = "h"
    NO_ROWS = "n"
    PLATFORM = "c"
    OUTSIDE = "-"
    LATER = " "


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says: its state (None: no time of the site's at all), its cause, and why nothing is known."""

    state: TruthState | None
    cause: Cause | None = None
    reason: str | None = None


MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        Code.UP: Meaning(TruthState.UP),
        Code.DEGRADED: Meaning(TruthState.UP),
        Code.WEB_ONLY: Meaning(TruthState.UP),
        Code.BACKHAUL: Meaning(TruthState.DOWN, Cause.BACKHAUL),
        Code.SITE_LAN: Meaning(TruthState.DOWN, Cause.SITE_LAN),
        Code.POWER: Meaning(TruthState.DOWN, Cause.POWER),
        Code.ACCOUNT: Meaning(TruthState.DOWN, Cause.ACCOUNT),
        Code.DOWN: Meaning(TruthState.DOWN, Cause.UNKNOWN),
        Code.PLANNED_BACKHAUL: Meaning(TruthState.PLANNED, Cause.PLANNED),
        Code.PLANNED_SITE_LAN: Meaning(TruthState.PLANNED, Cause.PLANNED),
        Code.PLANNED_POWER: Meaning(TruthState.PLANNED, Cause.PLANNED),
        Code.PLANNED_ACCOUNT: Meaning(TruthState.PLANNED, Cause.PLANNED),
        Code.PLANNED_DOWN: Meaning(TruthState.PLANNED, Cause.PLANNED),
        Code.OFF: Meaning(TruthState.OFF, None, "closed"),
        Code.SILENT: Meaning(TruthState.UNKNOWN, None, "silent"),
        Code.HOLE: Meaning(TruthState.UNKNOWN, None, "power_cut_or_agent_unplugged"),
        Code.NO_ROWS: Meaning(TruthState.UNKNOWN, None, "not_measured"),
        Code.PLATFORM: Meaning(TruthState.UNKNOWN, Cause.PLATFORM, "collector_outage"),
        Code.OUTSIDE: Meaning(None),
        Code.LATER: Meaning(None),
    }
)

PLANNED_OF: Mapping[str, Code] = MappingProxyType(
    {
        Code.BACKHAUL: Code.PLANNED_BACKHAUL,
        Code.SITE_LAN: Code.PLANNED_SITE_LAN,
        Code.POWER: Code.PLANNED_POWER,
        Code.ACCOUNT: Code.PLANNED_ACCOUNT,
        Code.DOWN: Code.PLANNED_DOWN,
    }
)
"""What a slot that was down becomes within a maintenance window."""

DOWN_CODES = frozenset(PLANNED_OF)
WITHOUT_ROWS = frozenset({Code.SILENT, Code.HOLE, Code.NO_ROWS, Code.POWER})
"""Codes of slots in which the agent measured nothing."""
