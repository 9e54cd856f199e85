"""How the coverage of a stream is shown: a bar of what arrived and what did not, and the gaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aldea.dashboard_api.charts.panels import N_
from aldea.dashboard_api.documents import completeness_of_stream
from aldea.dashboard_api.web.shown import Shown
from aldea.storage.register.streams import Stream

PART_WORDS: Mapping[str, str] = {
    "stored": N_("stored"),
    "explained": N_("given up by the agent, with its reason"),
    "open": N_("still expected"),
    "lost": N_("lost"),
}
GAPS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the bar: in percent, and in words."""

    key: str
    word: str
    count: str
    at: str
    width: str


@dataclass(frozen=True, slots=True)
class GapRow:
    """A run of rows that is not stored."""

    first: str
    last: str
    count: str
    key: str
    word: str


@dataclass(frozen=True, slots=True)
class StreamShown:
    """One outbox's coverage."""

    device: str
    epoch: str
    complete: str
    expected: str
    parts: Sequence[Part]
    gaps: Sequence[GapRow]
    more_gaps: int


def stream_shown(stream: Stream, shown: Shown) -> StreamShown:
    """Return a stream's coverage, its newest gaps first."""
    found = completeness_of_stream(stream)
    counts = {
        "stored": stream.stored_rows,
        "explained": stream.explained_rows,
        "open": stream.open_rows,
        "lost": stream.lost_rows,
    }
    total = max(1, found.expected_rows)
    parts: list[Part] = []
    reached = 0
    for key, count in counts.items():
        if count:
            word = shown.say(PART_WORDS[key])
            parts.append(Part(key, word, shown.number(count), f"{reached / total:.3%}", f"{count / total:.3%}"))
        reached += count
    newest = list(reversed(stream.gaps))
    gaps = [
        GapRow(
            shown.number(gap.first_seq),
            shown.number(gap.last_seq),
            shown.number(gap.last_seq - gap.first_seq + 1),
            gap.state.value,
            shown.say(PART_WORDS[gap.state.value]),
        )
        for gap in newest[:GAPS_SHOWN]
    ]
    return StreamShown(
        device=stream.device,
        epoch=stream.epoch,
        complete=shown.percent(found.ratio),
        expected=shown.number(found.expected_rows),
        parts=parts,
        gaps=gaps,
        more_gaps=max(0, len(newest) - GAPS_SHOWN),
    )
