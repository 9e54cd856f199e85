"""A strip of time: what a site was, by settled intervals, and by the live guess where nothing is settled yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.web.shown import Shown
from aldea.model.liveness import SiteState
from aldea.model.truth import Interval, TruthState

STATES = ("up", "down", "suspect", "planned", "off", "unknown")
"""In the order of a legend; `suspect` is live only, the others are settled states."""

TRUTH_WORDS: Mapping[str, str] = {
    "up": N_("Up"),
    "down": N_("Down"),
    "suspect": N_("In doubt"),
    "planned": N_("Planned maintenance"),
    "off": N_("Switched off outside opening hours"),
    "unknown": N_("Not known"),
}
SUMMARY_WORDS: Mapping[str, str] = {
    "up": N_("%(length)s up"),
    "down": N_("%(length)s down"),
    "suspect": N_("%(length)s in doubt"),
    "planned": N_("%(length)s planned maintenance"),
    "off": N_("%(length)s switched off"),
    "unknown": N_("%(length)s not known"),
}


class Stretch(NamedTuple):
    """A state from `start_ms` until `end_ms`; `provisional` where it is the live guess."""

    start_ms: int
    end_ms: int
    state: str
    provisional: bool = False


class Piece(NamedTuple):
    """A part of the drawing, in percent of its width."""

    state: str
    at: str
    width: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """The drawing, and the same in words; `provisional` says whether a part of it is not settled."""

    pieces: Sequence[Piece]
    summary: str
    provisional: bool


def stretches(
    judged: Sequence[Interval],
    settled_ms: int | None,
    live: SiteState,
    last_arrival_ms: int | None,
    window: tuple[int, int],
) -> list[Stretch]:
    """Return the whole window (its end is now) without a hole; what lies behind `settled_ms` is provisional.

    Behind the last judged moment the site was up until it was last heard, and is since then what its live state
    says. Silence that is not settled yet is taken for what the live state says too.
    """
    reached, now = window
    settled = reached if settled_ms is None else settled_ms
    found: list[Stretch] = []
    for one in _without_late_silence(judged, settled):
        start, end = max(one.start_ms, reached), min(one.end_ms, now)
        if start >= end:
            continue
        found.append(Stretch(reached, start, "unknown"))
        border = min(max(settled, start), end)
        found.append(Stretch(start, border, one.state.value))
        found.append(Stretch(border, end, one.state.value, provisional=True))
        reached = end
    found += _guess(reached, live, last_arrival_ms, now, judged=bool(found))
    return joined(found)


def _without_late_silence(judged: Sequence[Interval], settled_ms: int) -> Sequence[Interval]:
    kept = len(judged)
    while kept and judged[kept - 1].state is TruthState.UNKNOWN and judged[kept - 1].start_ms >= settled_ms:
        kept -= 1
    return judged[:kept]


def _guess(
    since_ms: int, live: SiteState, last_arrival_ms: int | None, now_ms: int, *, judged: bool
) -> Iterable[Stretch]:
    if since_ms >= now_ms:
        return
    if last_arrival_ms is None or live is SiteState.UNKNOWN:
        yield Stretch(since_ms, now_ms, "unknown", provisional=judged)
        return
    heard = min(max(last_arrival_ms, since_ms), now_ms)
    if not judged:
        # Nothing tells since when it was up: only that it was heard.
        yield Stretch(since_ms, heard, "unknown")
    else:
        yield Stretch(since_ms, now_ms if live is SiteState.UP else heard, "up", provisional=True)
    if live is not SiteState.UP or not judged:
        yield Stretch(heard, now_ms, live.value, provisional=True)


def joined(found: Iterable[Stretch]) -> list[Stretch]:
    """Return the stretches with neighbours of the same kind made one, empty ones left out."""
    whole: list[Stretch] = []
    for one in found:
        if one.start_ms >= one.end_ms:
            continue
        last = whole[-1] if whole else None
        if last is not None and (last.end_ms, last.state, last.provisional) == (
            one.start_ms,
            one.state,
            one.provisional,
        ):
            whole[-1] = last._replace(end_ms=one.end_ms)
        else:
            whole.append(one)
    return whole


def strip(found: Sequence[Stretch], shown: Shown) -> Strip:
    """Return the drawing of stretches that follow each other, and their lengths in words."""
    if not found:
        return Strip((), "", provisional=False)
    start, length = found[0].start_ms, max(1, found[-1].end_ms - found[0].start_ms)
    pieces = [
        Piece(
            one.state,
            f"{(one.start_ms - start) / length:.2%}",
            f"{(one.end_ms - one.start_ms) / length:.2%}",
            one.provisional,
        )
        for one in found
    ]
    return Strip(pieces, summary(found, shown), any(one.provisional for one in found))


def summary(found: Sequence[Stretch], shown: Shown) -> str:
    """Return how long each state lasted, such as "22 h 40 min up, 1 h 20 min down"."""
    lengths: dict[str, int] = dict.fromkeys(STATES, 0)
    for one in found:
        lengths[one.state] += one.end_ms - one.start_ms
    said = [shown.say(SUMMARY_WORDS[state]) % {"length": shown.length(ms)} for state, ms in lengths.items() if ms]
    return ", ".join(said)
