"""What settled truth says of an incident that is over: its cause, in words, or that it was our own fault. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from aldea.alert_rules.rule import Reason
from aldea.model.truth import Interval, TruthState

ENOUGH_RATIO = 0.9
"""How much of the incident's time must be judged before anything is said of it."""

_WITHOUT_DOWN: Mapping[TruthState, tuple[str, str]] = MappingProxyType(
    {TruthState.PLANNED: ("planned", "settled_planned"), TruthState.OFF: ("planned", "settled_off")}
)


@dataclass(frozen=True, slots=True)
class Finding:
    """The cause (a word of the closed list), why we say so, and the plain facts of the interval that decided."""

    cause: str
    reason: Reason
    evidence: Mapping[str, Any]


def find(intervals: Sequence[Interval], from_ms: int, to_ms: int) -> Finding | None:
    """Return what the intervals of one site say of the time from `from_ms` to `to_ms`, None while it is not judged."""
    cut = [(max(one.start_ms, from_ms), min(one.end_ms, to_ms), one) for one in intervals]
    spans = [(end - start, one) for start, end, one in cut if end > start]
    if sum(length for length, _ in spans) < ENOUGH_RATIO * max(1, to_ms - from_ms):
        return None
    totals: dict[TruthState, int] = {}
    for length, one in spans:
        totals[one.state] = totals.get(one.state, 0) + length
    down = totals.get(TruthState.DOWN, 0)
    if down:
        return _down(spans, down)
    most = max(totals, key=lambda state: totals[state])
    if totals.get(TruthState.UP, 0) >= ENOUGH_RATIO * sum(totals.values()):
        return Finding("platform", Reason("was_up"), _longest(spans, TruthState.UP).evidence)
    decided = _longest(spans, most)
    deaf = most is TruthState.UNKNOWN and decided.cause == "platform"
    cause, code = ("platform", "settled_deaf") if deaf else _WITHOUT_DOWN.get(most, ("unknown", "settled_unknown"))
    return Finding(cause, Reason(code), decided.evidence)


def _down(spans: Sequence[tuple[int, Interval]], down_ms: int) -> Finding:
    """Return the cause that held longest while the site was down."""
    by_cause: dict[str, int] = {}
    for length, one in spans:
        if one.state is TruthState.DOWN:
            cause = one.cause or "unknown"
            by_cause[cause] = by_cause.get(cause, 0) + length
    cause = max(sorted(by_cause), key=lambda word: (word != "unknown", by_cause[word]))
    lengths = [
        (length, one) for length, one in spans if one.state is TruthState.DOWN and (one.cause or "unknown") == cause
    ]
    evidence = max(lengths, key=lambda item: item[0])[1].evidence
    return Finding(cause, Reason("settled", {"down_seconds": down_ms // 1000, "cause": cause}), evidence)


def _longest(spans: Sequence[tuple[int, Interval]], state: TruthState) -> Interval:
    return max(((length, one) for length, one in spans if one.state is state), key=lambda item: item[0])[1]
