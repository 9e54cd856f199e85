"""Settled truth: what is known of a site's connection, five minutes at a time, and the figures that follow.

Everything here is a pure function of evidence. docs/truth.md says in words what the states mean.
"""

from __future__ import annotations

from aldea.model.truth.durations import Bounds, Durations, durations_between
from aldea.model.truth.evidence import SlotEvidence, Tally
from aldea.model.truth.holes import BootSpan, Hole, HoleVerdict, Silence, Witness, holes_between, judge_hole
from aldea.model.truth.intervals import Interval, intervals_of, joined
from aldea.model.truth.observing import DEFAULT_RULES, Rules, observe
from aldea.model.truth.overlay import SiteRules, Window, overlay
from aldea.model.truth.slots import SLOT_MS, SLOTS_A_DAY, SlotDay
from aldea.model.truth.states import Cause, Code, TruthState

__all__ = [
    "DEFAULT_RULES",
    "SLOTS_A_DAY",
    "SLOT_MS",
    "BootSpan",
    "Bounds",
    "Cause",
    "Code",
    "Durations",
    "Hole",
    "HoleVerdict",
    "Interval",
    "Rules",
    "Silence",
    "SiteRules",
    "SlotDay",
    "SlotEvidence",
    "Tally",
    "TruthState",
    "Window",
    "Witness",
    "durations_between",
    "holes_between",
    "intervals_of",
    "joined",
    "judge_hole",
    "observe",
    "overlay",
]
