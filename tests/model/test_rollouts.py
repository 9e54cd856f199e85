"""Waves: one site, then ten, then all; never further than what has proved sound."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.model.clock import ManualClock
from aldea.model.rollouts import DeviceView, Progress, Rollout, RolloutState, next_step
from aldea.model.rollouts.states import (
    AWAY_MS,
    HOUR_MS,
    INCONCLUSIVE_MANY,
    LATE_MS,
    PATIENCE_MS,
    SILENT_FIRST,
)

NEW, OLD = "2.0", "1.0"
NOW = 1_800_000_000_000


@dataclass(frozen=True)
class Habit:
    """How a site behaves: when it is on, how long the download takes it, and what a release does to it."""

    off_hours: int = 0
    off_phase: int = 0
    fetch_hours: int = 0
    away_until: int = 0
    fate: Progress = Progress.CONFIRMED


class Fleet:
    """Devices that do what they are asked, in their own time, and a rollout over them. Time is a ManualClock's."""

    def __init__(self, habits: list[Habit], bake_hours: float = 24, first_site: str | None = None) -> None:
        self.clock = ManualClock(NOW)
        self.habits = {f"s{number:03d}": habit for number, habit in enumerate(habits)}
        self.devices = {site: DeviceView(site, "agent", OLD, NOW - HOUR_MS) for site in self.habits}
        self.rollout = Rollout(NEW, RolloutState.RUNNING, 0, NOW, bake_hours, first_site)
        self.asked: list[tuple[int, str]] = []
        self.most_at_risk: Counter[int] = Counter()

    def is_on(self, habit: Habit, now_ms: int) -> bool:
        hour = (now_ms - NOW) // HOUR_MS
        return hour >= habit.away_until and (hour + habit.off_phase) % 24 >= habit.off_hours

    def live(self) -> None:
        """Let an hour pass: sites are heard, fetch, try, and fare as their habit says; then one look."""
        self.clock.advance(HOUR_MS)
        now = self.clock.wall_ms()
        for site, device in self.devices.items():
            self.devices[site] = self._lived(device, self.habits[site], now)
        self.look()

    def _lived(self, device: DeviceView, habit: Habit, now: int) -> DeviceView:
        dead = device.progress is Progress.TRYING and habit.fate is Progress.SILENT
        if dead or not self.is_on(habit, now):
            return device
        device = replace(device, heard_ms=now)
        if device.progress is Progress.ASKED:
            return replace(device, progress=Progress.FETCHING)
        if device.progress is Progress.FETCHING and now - (device.asked_ms or now) >= habit.fetch_hours * HOUR_MS:
            return replace(device, progress=Progress.TRYING, trying_ms=now)
        if device.progress is Progress.TRYING:
            version = NEW if habit.fate is Progress.CONFIRMED else OLD
            return replace(device, progress=habit.fate, confirmed_ms=now, ended_ms=now, version=version)
        return device

    def look(self) -> None:
        now = self.clock.wall_ms()
        step = next_step(self.rollout, list(self.devices.values()), now)
        for (site, _), progress in step.noted.items():
            self.devices[site] = replace(self.devices[site], progress=progress)
        assert step.wave or len(step.ask) <= 1, "the first wave is one site"
        for site, _ in step.ask:
            self.asked.append((step.wave, site))
            self.devices[site] = replace(
                self.devices[site], progress=Progress.ASKED, wave=step.wave, asked_ms=now, confirmed_ms=None
            )
        self.rollout = replace(self.rollout, state=step.state, wave=step.wave)
        under_way = {
            item.wave for item in self.devices.values() if item.progress is not None and item.progress.is_under_way
        }
        assert len(under_way) <= 1, "two waves at risk at once"

    def run(self, days: int) -> None:
        for _ in range(days * 24):
            if self.rollout.state is not RolloutState.RUNNING:
                return
            self.live()


habits = st.builds(
    Habit,
    off_hours=st.sampled_from([0, 0, 0, 6, 12]),
    off_phase=st.integers(0, 23),
    fetch_hours=st.sampled_from([0, 0, 1, 5, 100]),
    away_until=st.sampled_from([0, 0, 0, 50, 2000]),
)


@settings(max_examples=1000)
@given(st.lists(habits, min_size=1, max_size=16), st.sampled_from([0, 6, 24]))
def test_of_any_fleet_at_most_one_wave_is_at_risk_and_the_first_is_one_site(fleet: list[Habit], bake: int) -> None:
    made = Fleet(fleet, bake)
    made.run(6)
    in_wave = Counter(item.wave for item in made.devices.values() if item.progress is Progress.CONFIRMED)
    assert in_wave[1] <= 10
    for site, device in made.devices.items():
        assert device.version == NEW or device.progress is not Progress.CONFIRMED, site


@settings(max_examples=300)
@given(
    st.lists(habits, min_size=1, max_size=30),
    st.sampled_from([Progress.ROLLED_BACK, Progress.FAILED]),
)
def test_a_bad_release_hits_one_site_alone(fleet: list[Habit], fate: Progress) -> None:
    made = Fleet([replace(habit, fate=fate) for habit in fleet])
    made.run(12)
    hit = [item.site for item in made.devices.values() if item.trying_ms is not None]
    assert len(hit) <= 1
    if hit and made.devices[hit[0]].progress is fate:
        assert made.rollout.state is RolloutState.HALTED


@settings(max_examples=200)
@given(st.lists(habits, min_size=1, max_size=30))
def test_a_release_that_silences_whoever_tries_it_is_tried_at_two_sites_at_most(fleet: list[Habit]) -> None:
    made = Fleet([replace(habit, fate=Progress.SILENT) for habit in fleet])
    made.run(12)
    hit = [item for item in made.devices.values() if item.trying_ms is not None]
    assert len(hit) <= SILENT_FIRST + 1
    if sum(item.progress is Progress.SILENT for item in hit) > SILENT_FIRST:
        assert made.rollout.state is RolloutState.HALTED


@settings(max_examples=200)
@given(st.lists(habits, min_size=1, max_size=30))
def test_a_release_with_which_no_trial_tells_anything_is_tried_at_three_sites_at_most(fleet: list[Habit]) -> None:
    made = Fleet([replace(habit, fate=Progress.INCONCLUSIVE) for habit in fleet])
    made.run(12)
    assert len({item.site for item in made.devices.values() if item.trying_ms is not None}) <= INCONCLUSIVE_MANY


def test_a_site_whose_link_fails_at_each_trial_keeps_nobody_else_waiting_and_is_asked_once_a_day() -> None:
    made = Fleet([Habit(fate=Progress.INCONCLUSIVE), *(Habit() for _ in range(39))], bake_hours=0)
    made.devices["s000"] = replace(made.devices["s000"], heard_ms=NOW)  # heard last: it is the first
    made.run(10)
    assert made.asked[0] == (0, "s000")
    assert [item.version for item in made.devices.values()] == [OLD, *[NEW] * 39]
    assert not made.rollout.state.is_over
    assert 2 <= sum(site == "s000" for _, site in made.asked) <= 10
    made.run(30)
    assert made.rollout.state is RolloutState.DONE


def test_a_sound_release_reaches_all_and_the_waves_are_one_ten_and_the_rest() -> None:
    made = Fleet([Habit() for _ in range(40)], first_site="s007")
    made.run(10)
    assert made.rollout.state is RolloutState.DONE
    assert {item.version for item in made.devices.values()} == {NEW}
    assert Counter(wave for wave, _ in made.asked) == {0: 1, 1: 10, 2: 29}
    assert made.asked[0] == (0, "s007")


def test_the_next_wave_waits_until_the_one_before_has_baked_and_is_heard() -> None:
    made = Fleet([Habit() for _ in range(3)], bake_hours=24)
    made.look()
    for _ in range(4):
        made.live()
    assert [item.progress for item in made.devices.values()].count(Progress.CONFIRMED) == 1
    for _ in range(22):
        made.live()
    first = made.asked[0][1]
    assert len(made.asked) == 1
    made.devices[first] = replace(made.devices[first], heard_ms=made.clock.wall_ms() - 2 * HOUR_MS)
    made.clock.advance(6 * HOUR_MS)
    made.look()
    step = next_step(made.rollout, list(made.devices.values()), made.clock.wall_ms())
    assert step.why is not None
    assert (step.why.word, step.why.about["site"]) == ("not_heard", first)


def test_a_site_that_is_away_is_left_and_gets_it_when_it_comes_back() -> None:
    made = Fleet([Habit(), Habit(), Habit(away_until=24 * 10)], bake_hours=0)
    made.devices["s002"] = replace(made.devices["s002"], heard_ms=NOW - AWAY_MS)
    made.run(9)
    assert made.devices["s002"].progress is None
    assert not made.rollout.state.is_over
    made.run(6)
    assert made.devices["s002"].version == NEW
    assert made.rollout.state is RolloutState.DONE


def test_nobody_is_waited_for_for_ever() -> None:
    slow = Habit(fetch_hours=10_000)
    made = Fleet([slow, Habit(), Habit()], bake_hours=0, first_site=None)
    made.devices["s000"] = replace(made.devices["s000"], heard_ms=NOW)
    made.run(PATIENCE_MS // (24 * HOUR_MS) + 3)
    assert {item.version for site, item in made.devices.items() if site != "s000"} == {NEW}
    made.run(LATE_MS // (24 * HOUR_MS) + 5)
    assert made.rollout.state is RolloutState.DONE


def test_of_seventy_six_sites_with_twenty_away_and_some_dark_by_day_all_have_it_in_the_end_and_nothing_halts() -> None:
    away = [Habit(away_until=24 * 9, off_hours=6, off_phase=number) for number in range(20)]
    dark = [Habit(off_hours=12, off_phase=number, fetch_hours=5) for number in range(20)]
    made = Fleet([*(Habit() for _ in range(36)), *dark, *away])
    for days, state, versions in ((8, RolloutState.RUNNING, {NEW: 56, OLD: 20}), (20, RolloutState.DONE, {NEW: 76})):
        made.run(days)
        assert (made.rollout.state, Counter(item.version for item in made.devices.values())) == (state, versions)
