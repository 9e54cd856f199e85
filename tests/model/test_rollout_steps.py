"""One step of a rollout: what halts it, who is asked, and who is waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aldea.model.rollouts import DeviceView, Progress, Rollout, RolloutState, next_step
from aldea.model.rollouts.states import (
    AGAIN_MS,
    AWAY_MS,
    FIRST_MS,
    LATE_MS,
    SETTLED_MS,
    SILENCE_MS,
)

NEW, OLD = "2.0", "1.0"
NOW = 1_800_000_000_000


def silent(site: str, wave: int = 0, **more: Any) -> DeviceView:
    """A device that began to try the release, or took it, and was not heard for a day since."""
    known = {"progress": Progress.CONFIRMED, "wave": wave, "asked_ms": NOW, "confirmed_ms": NOW, "ended_ms": NOW}
    return DeviceView(site, "agent", NEW, NOW, **{**known, **more})


@pytest.mark.parametrize("wave", [0, 1])
@pytest.mark.parametrize("progress", [Progress.CONFIRMED, Progress.TRYING])
def test_a_site_that_falls_silent_gives_its_place_to_another_and_two_in_a_row_halt(
    wave: int, progress: Progress
) -> None:
    away = silent("a", wave, progress=progress, trying_ms=NOW)
    rollout = Rollout(NEW, RolloutState.RUNNING, wave, NOW, first_site=None)
    other = DeviceView("b", "agent", OLD, NOW + SILENCE_MS)
    assert next_step(rollout, [away, other], NOW + SILENCE_MS - 1).noted == {}
    step = next_step(rollout, [away, other], NOW + SILENCE_MS)
    assert (step.state, step.noted, step.ask) == (RolloutState.RUNNING, {away.key: Progress.SILENT}, (other.key,))
    alone = next_step(rollout, [away], NOW + SILENCE_MS)
    assert alone.why is not None
    assert (alone.state, alone.why.word) == (RolloutState.RUNNING, "away"), "it is not forgotten"
    both = next_step(rollout, [away, replace(away, site="c"), other], NOW + SILENCE_MS)
    assert both.why is not None
    assert (both.state, both.why.word, both.ask) == (RolloutState.HALTED, "silent", ())


def test_a_silent_site_that_is_back_is_looked_at_again_and_nobody_waits_for_ever() -> None:
    rollout = Rollout(NEW, RolloutState.RUNNING, 2, NOW)
    away = silent("a", 2, progress=Progress.SILENT, ended_ms=NOW + SILENCE_MS, confirmed_ms=None)
    waits = next_step(rollout, [away], NOW + 2 * SILENCE_MS)
    assert waits.why is not None
    assert (waits.state, waits.noted, waits.why.word) == (RolloutState.RUNNING, {}, "others_away")
    back = replace(away, heard_ms=NOW + 3 * SILENCE_MS)
    assert next_step(rollout, [back], NOW + 3 * SILENCE_MS).noted == {away.key: Progress.TRYING}
    assert next_step(rollout, [away], NOW + LATE_MS).state is RolloutState.DONE


def test_a_site_that_is_silent_before_it_has_begun_is_left_and_counts_for_nothing() -> None:
    """It runs the old version still: a village without power for a day says nothing of a release."""
    rollout = Rollout(NEW, RolloutState.RUNNING, 1, NOW)
    fleet = [
        DeviceView(site, "agent", OLD, NOW, progress=Progress.FETCHING, wave=1, asked_ms=NOW) for site in "abcdefgh"
    ]
    step = next_step(rollout, fleet, NOW + AWAY_MS)
    assert (step.state, set(step.noted.values())) == (RolloutState.RUNNING, {Progress.LEFT})


@pytest.mark.parametrize("progress", [Progress.INCONCLUSIVE, Progress.NO_KEY, Progress.SILENT])
def test_a_named_first_site_that_tells_nothing_is_asked_for_three_days_and_then_a_person(progress: Progress) -> None:
    rollout = Rollout(NEW, RolloutState.RUNNING, 0, NOW, first_site="a")
    told = DeviceView("a", "agent", OLD, NOW, progress=progress, asked_ms=NOW, ended_ms=NOW + 1)
    other = DeviceView("b", "agent", OLD, NOW + FIRST_MS)
    before = next_step(rollout, [told, other], NOW + FIRST_MS - 1)
    assert (before.state, before.ask) == (RolloutState.RUNNING, ())
    step = next_step(rollout, [told, other], NOW + FIRST_MS)
    assert step.why is not None
    assert (step.state, step.why.word, step.why.about["site"]) == (RolloutState.HALTED, "first_site", "a")
    # Whoever goes on waits for it no more: another goes first.
    assert next_step(replace(rollout, first_site=None), [told, other], NOW + FIRST_MS).ask == (other.key,)


def test_a_first_site_that_cannot_be_asked_any_more_keeps_nobody_waiting() -> None:
    """It failed and was set aside, has the release already, or its box was taken away: it was waited for in vain."""
    rollout = Rollout(NEW, RolloutState.RUNNING, 0, NOW, first_site="a")
    other = DeviceView("b", "agent", OLD, NOW)
    aside = DeviceView("a", "agent", OLD, NOW, progress=Progress.SET_ASIDE, asked_ms=NOW, ended_ms=NOW)
    for first in ([aside], [DeviceView("a", "agent", NEW, NOW)], []):
        assert next_step(rollout, [*first, other], NOW).ask == (other.key,)


def test_a_first_site_that_is_away_is_waited_for_and_named() -> None:
    rollout = Rollout(NEW, RolloutState.RUNNING, 0, NOW, first_site="a")
    other = DeviceView("b", "agent", OLD, NOW)
    for first in (DeviceView("a", "agent", OLD, NOW - AWAY_MS), DeviceView("a", "agent")):
        step = next_step(rollout, [other, first], NOW)
        assert step.why is not None
        assert (step.ask, step.why.word, step.why.about["site"]) == ((), "away", "a")


def test_a_few_silent_sites_among_all_halt_nothing_and_many_do() -> None:
    rollout = Rollout(NEW, RolloutState.RUNNING, 2, NOW)

    def fleet(silent: int) -> list[DeviceView]:
        base = DeviceView("", "agent", NEW, NOW, progress=Progress.CONFIRMED, wave=2, confirmed_ms=NOW)
        heard = NOW + SILENCE_MS
        return [replace(base, site=f"s{number}", heard_ms=NOW if number < silent else heard) for number in range(60)]

    assert next_step(rollout, fleet(3), NOW + SILENCE_MS).state is not RolloutState.HALTED
    assert next_step(rollout, fleet(4), NOW + SILENCE_MS).state is RolloutState.HALTED


def test_simulated_sites_and_rollouts_that_do_not_run_are_left_alone() -> None:
    simulated = DeviceView("sim", "agent", OLD, NOW, simulated=True)
    running = Rollout(NEW, RolloutState.RUNNING, 0, NOW)
    assert next_step(running, [simulated], NOW).ask == ()
    real = DeviceView("real", "agent", OLD, NOW)
    for state in set(RolloutState) - {RolloutState.RUNNING}:
        assert next_step(replace(running, state=state), [real], NOW).ask == ()
    assert next_step(running, [real, simulated], NOW).ask == (("real", "agent"),)


def test_a_device_with_a_newer_version_is_not_asked_and_harms_nothing() -> None:
    """It would refuse what is older, and the refusal would halt the rollout for all."""
    rollout = Rollout(NEW, RolloutState.RUNNING, 0, NOW)
    ahead, behind = DeviceView("a", "agent", "2.0.1", NOW), DeviceView("b", "agent", OLD, NOW - 1)
    odd = DeviceView("c", "agent", "0+unknown", NOW - 2)
    assert next_step(rollout, [ahead, behind], NOW).ask == (behind.key,)
    assert next_step(rollout, [ahead], NOW).state is RolloutState.DONE
    assert next_step(replace(rollout, downgrade=True), [ahead], NOW).ask == (ahead.key,)
    assert next_step(rollout, [odd], NOW).ask == (odd.key,)


def test_a_downgrade_is_for_devices_up_to_the_version_that_it_replaces() -> None:
    back = Rollout(NEW, RolloutState.RUNNING, 0, NOW, downgrade=True, replaces="3.0")
    versions = ("1.0", "2.5", "3.0", "3.0.1")
    views = [DeviceView(version, "agent", version, NOW - place) for place, version in enumerate(versions)]
    assert [next_step(back, [view], NOW).ask != () for view in views] == [True, True, True, False]


@pytest.mark.parametrize("progress", [Progress.INCONCLUSIVE, Progress.NO_KEY])
def test_a_trial_that_told_nothing_halts_nothing_and_is_asked_for_again_a_day_later(progress: Progress) -> None:
    rollout = Rollout(NEW, RolloutState.RUNNING, 0, NOW)
    tried = DeviceView("a", "agent", OLD, NOW, progress=progress, asked_ms=NOW, ended_ms=NOW)
    other = DeviceView("b", "agent", OLD, NOW - 1)
    step = next_step(rollout, [tried, other], NOW)
    assert (step.state, step.ask) == (RolloutState.RUNNING, (other.key,))  # another takes its place
    for alone in (next_step(rollout, [tried], NOW), next_step(replace(rollout, first_site="a"), [tried, other], NOW)):
        assert alone.why is not None
        assert (alone.state, alone.ask, alone.why.word) == (RolloutState.RUNNING, (), "asked_again")
    later = replace(tried, heard_ms=NOW + AGAIN_MS)
    assert next_step(rollout, [later], NOW + AGAIN_MS).ask == (tried.key,)
    assert next_step(rollout, [later], NOW + LATE_MS).state is RolloutState.DONE


def test_links_that_fail_at_one_site_after_the_other_halt_it_unless_the_release_runs_at_as_many() -> None:
    rollout = Rollout(NEW, RolloutState.RUNNING, 1, NOW)
    untold = [
        DeviceView(site, "agent", OLD, NOW, progress=Progress.INCONCLUSIVE, wave=1, asked_ms=NOW, ended_ms=NOW)
        for site in "abc"
    ]
    assert next_step(rollout, untold[:2], NOW).state is RolloutState.RUNNING
    halted = next_step(rollout, untold, NOW)
    assert halted.why is not None
    assert (halted.state, halted.why.word) == (RolloutState.HALTED, "inconclusive")
    runs = [
        DeviceView(site, "agent", NEW, NOW, progress=Progress.CONFIRMED, wave=0, confirmed_ms=NOW) for site in "defg"
    ]
    for count, state in enumerate([RolloutState.HALTED] * 3 + [RolloutState.RUNNING] * 2):
        assert next_step(rollout, [*untold, *runs[:count]], NOW).state is state, count
    more = [*untold, *(replace(item, site=item.site * 2) for item in untold[:2])]
    assert next_step(rollout, [*more, *runs], NOW).state is RolloutState.HALTED
    aside = [replace(item, progress=Progress.SET_ASIDE) for item in untold]
    assert next_step(rollout, [*aside, *more[3:]], NOW).state is RolloutState.RUNNING, "a person has gone on"


@pytest.mark.parametrize("wave", [0, 1, 2])
def test_a_device_that_kept_the_release_and_later_runs_an_older_one_halts_the_rollout(wave: int) -> None:
    rollout = Rollout(NEW, RolloutState.RUNNING, wave, NOW)
    kept = DeviceView("a", "agent", OLD, NOW, progress=Progress.CONFIRMED, wave=wave, confirmed_ms=NOW)
    assert next_step(rollout, [kept], NOW).state is RolloutState.RUNNING  # its birth may still be on its way
    later = replace(kept, heard_ms=NOW + SETTLED_MS)
    step = next_step(rollout, [later], NOW + SETTLED_MS)
    assert (step.state, step.noted) == (RolloutState.HALTED, {("a", "agent"): Progress.ROLLED_BACK})
    for version in (NEW, "2.1"):
        newer = replace(later, version=version)
        assert next_step(rollout, [newer], NOW + SETTLED_MS).state is not RolloutState.HALTED
