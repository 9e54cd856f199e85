"""A village's story, lived with a right clock or with a wrong one that jumps, and what is settled of it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from aldea.agents.machine import RELEASED_MS
from aldea.agents.probe import ProbeContext
from aldea.agents.probes.day_counter import DayCounter
from aldea.model.clock import ClockState
from aldea.model.sample import Reading, Value
from aldea.storage.register.truth import read_intervals
from aldea.storage.register.usage_days import UsageDay, read_usage_days
from delivery.world import DAY, HOUR, SITE, START_MS
from settlingkit.whole import MINUTE, Whole

if TYPE_CHECKING:
    from aldea.model.truth import Interval

ERRORS = (0, -START_MS, RELEASED_MS - START_MS, 365 * DAY, -365 * DAY, HOUR, -HOUR, 90_000)
STATES = (ClockState.UNSYNCED, ClockState.RTC)
SLOT = 5 * MINUTE
FIRST, LAST = date(1969, 1, 1), date(2040, 1, 1)
MERIDA = ZoneInfo("America/Merida")


@dataclass(frozen=True)
class Chapter:
    """Some hours of a village: how it went, and what its box's clock and its link made of it.

    In the middle the agent may start again, or the machine sleep. `loss`: the share of messages that come to nothing;
    half as many come twice, and all in any order.
    """

    hours: int
    anchor: int
    online: bool
    power_cut: bool
    error_ms: int
    state: ClockState
    ntp_steps_in: bool
    restarts: bool = False
    asleep_hours: int = 0
    loss: float = 0.0


CHAPTERS = st.lists(
    st.builds(
        Chapter,
        hours=st.integers(2, 9),
        anchor=st.sampled_from((3, 0)),
        online=st.booleans(),
        power_cut=st.booleans(),
        error_ms=st.sampled_from(ERRORS),
        state=st.sampled_from(STATES),
        ntp_steps_in=st.booleans(),
        restarts=st.booleans(),
        asleep_hours=st.sampled_from((0, 0, 1, 7)),
        loss=st.sampled_from((0.0, 0.3, 0.7)),
    ),
    min_size=2,
    max_size=4,
)


class _BoxClock:
    """What the box's program sees of the world's time."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole

    def wall_ms(self) -> int:
        return self._whole.world.now().wall_ms

    def mono_ms(self) -> int:
        return self._whole.world.now().mono_ms

    def awake_ms(self) -> int:
        return self.mono_ms()


class Lived(Whole):
    """A story as one box lives it, with two devices in the village that the box counts."""

    def __init__(self, folder: Path, *, right_clock: bool) -> None:
        super().__init__(folder)
        self.right = right_clock
        self.sources: list[str | None] = []
        self._new_program()

    def _new_program(self) -> None:
        self._counter = DayCounter(MERIDA, 2.5 * 300)
        self._context = ProbeContext(_BoxClock(self), Path(), Path("/nonexistent"), self._anchored)

    def _anchored(self) -> int | None:
        anchor = self.world.outbox.boot.anchor
        return None if anchor is None else self.world.now().mono_ms + anchor.offset_ms

    def live(self, chapters: list[Chapter]) -> None:
        """Live them, and be on-line at the end."""
        self._set_clock(chapters[0])
        self.world.run(3)
        for chapter in chapters:
            if chapter.power_cut:
                self.world.power_cut(minutes=30)
                self._new_program()
            self._set_clock(chapter)
            self._connection(online=chapter.online)
            self.world.loss = 0.0 if self.right else chapter.loss
            self._pass(chapter, first_half=True)
            self._interrupt(chapter)
            if chapter.ntp_steps_in and not self.right:
                self.world.state, self.world.wall_error_ms = ClockState.NTP, 0
            self._pass(chapter, first_half=False)
        self.world.loss = 0.0
        self.world.run(150)
        self.world.clock.advance(HOUR)

    def _interrupt(self, chapter: Chapter) -> None:
        """The machine sleeps, which a boot's clock counts, and the agent is killed and starts again."""
        self.world.clock.advance(chapter.asleep_hours * HOUR)
        if chapter.restarts:
            self.world.restart_agent()
            self._new_program()
            self._connection(online=chapter.online)

    def _set_clock(self, chapter: Chapter) -> None:
        self.world.state = ClockState.NTP if self.right else chapter.state
        self.world.wall_error_ms = 0 if self.right else chapter.error_ms

    def _connection(self, *, online: bool) -> None:
        if online:
            self.world.connect()
        else:
            self.world.disconnect()

    def _pass(self, chapter: Chapter, *, first_half: bool) -> None:
        hours = chapter.hours // 2 if first_half else chapter.hours - chapter.hours // 2
        for _ in range(hours * 12):
            self.world.record(
                Reading("ping", {"sent": 3, "received": chapter.anchor}, {"target": "1.1.1.1", "role": "anchor"}),
                Reading("ping", {"sent": 3, "received": 3}, {"target": "192.168.1.1", "role": "gateway"}),
                self._clients(),
            )
            before = self.world.clock.wall_ms()
            self.world.step(0)
            self.world.clock.advance(SLOT - (self.world.clock.wall_ms() - before))

    def _clients(self) -> Reading:
        now_ms = self._context.time_ms()
        if now_ms is None:
            self._counter.missed()
            return Reading("clients", {"associated": 2}, {"source": "ap"})
        count = self._counter.sighted(now_ms, [b"abcdef", b"ghijkl"], {})
        told: dict[str, Value] = {
            "unique_today": count.unique,
            "day": count.day.isoformat(),
            "covered_seconds": count.covered_seconds,
        }
        return Reading("clients", {**told, "associated": 2, "restarted": count.restarted}, {"source": "ap"})

    def usage(self) -> tuple[UsageDay, ...]:
        """The daily counts of any day there ever was."""
        with self.register.reading() as unit:
            return tuple(read_usage_days(unit, [SITE], FIRST, LAST))

    def intervals(self) -> list[Interval]:
        """What is settled of any time there ever was."""
        with self.register.reading() as unit:
            return list(read_intervals(unit, [SITE], 0, 4 * START_MS // 3))


def lives(chapters: list[Chapter], *, right_clock: bool) -> tuple[list[Interval], tuple[UsageDay, ...], Lived]:
    """Live a story and settle it."""
    with tempfile.TemporaryDirectory() as folder:
        lived = Lived(Path(folder), right_clock=right_clock)
        try:
            lived.live(chapters)
            lived.settle()
            lived.world.check_all_arrived()
            assert lived.world.quarantined() == []
            lived.sources = [boot.source for boot in lived.world.boots_known()]
            return lived.intervals(), lived.usage(), lived
        finally:
            lived.close()


def story_of(intervals: list[Interval]) -> list[tuple[str, str | None]]:
    """What was known, in order, without how long it lasted and without what is not known."""
    known = [(item.state.value, item.cause) for item in intervals if item.state.value != "unknown"]
    return [key for key, _ in groupby(known)]


def as_told(intervals: list[Interval]) -> list[tuple[str, str | None, int, int]]:
    """State, cause, start and end of each stretch; what is unknown for one reason and then for another is one."""
    stretches = []
    for (state, cause), items in groupby(intervals, key=lambda item: (item.state.value, item.cause)):
        first, *rest = items
        stretches.append((state, cause, first.start_ms, (rest or [first])[-1].end_ms))
    return stretches


def check_same(one: list[Interval], other: list[Interval]) -> None:
    """Both say the same, give or take the slot in which a border falls."""
    mine, theirs = as_told(one), as_told(other)
    assert [stretch[:2] for stretch in mine] == [stretch[:2] for stretch in theirs]
    for (*_, start_ms, end_ms), (*_, their_start_ms, their_end_ms) in zip(mine, theirs, strict=True):
        assert abs(start_ms - their_start_ms) <= SLOT
        assert abs(end_ms - their_end_ms) <= SLOT
