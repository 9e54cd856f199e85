"""A release that was not heard: was it the release or the link? And a power cut at every single write on the way.

The launcher and the command are the product's own; the agent on trial is a stand-in that is heard when there is a link.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aldea.agents.enrolment import keep_enrolment
from aldea.agents.operating.handler import Outcome, State
from aldea.agents.trial_verdict import BLAMED_AFTER, MOST_TRIES, GivenUp
from aldea.agents.upgrading.launch import MOST_STARTS
from aldea.agents.upgrading.state import State as Kept
from aldea.agents.upgrading.state import Trial
from aldea.agents.words import Words
from aldea.model.release import Manifest, SignedRelease
from upgradekit.simulated import ANSWER, BASE, COMMAND, FILE, PATIENCE_MS, VERSION, SimulatedBox
from upgradekit.wheels import Workshop


@pytest.fixture
def made(workshop: Workshop) -> SignedRelease:
    return workshop.signed(Manifest(VERSION, "3.11", 1, (FILE,)))


class Making:
    """Makes boxes that are enrolled and know the key."""

    def __init__(self, folder: Path, release: SignedRelease, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._release, self._key, self._monkeypatch = folder, release, key, monkeypatch
        self._numbers = itertools.count()

    def __call__(self, cuts: frozenset[int] = frozenset()) -> SimulatedBox:
        data = self._folder / str(next(self._numbers))
        said = {**ANSWER, "settings": {**ANSWER["settings"], "release_key": self._key}}
        keep_enrolment(data, said, "http://127.0.0.1:9")
        self._monkeypatch.undo()
        box = SimulatedBox(data, self._release, self._monkeypatch)
        box.cuts = cuts
        return box

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._monkeypatch.undo()


@pytest.fixture
def new_box(
    tmp_path: Path, made: SignedRelease, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Making]:
    with Making(tmp_path, made, workshop.public.read_text(), monkeypatch) as making:
        yield making


def test_a_release_that_is_silent_while_the_old_one_is_heard_is_at_fault(new_box: Making) -> None:
    box = new_box()
    box.deaf = True
    ended = box.live()
    assert (ended.state, ended.detail["verdict"], box.trials) == (State.ROLLED_BACK, "at_fault", BLAMED_AFTER)
    (again,) = [detail for detail in box.said if detail["step"] == "trying_again"]
    assert "a server that was away just then" in again["sentence"]
    assert "did not hear the server within 900 s" in ended.detail["sentence"]
    assert "no oyó al servidor en 900 s" in ended.detail["sentence_es"]
    assert VERSION in box.releases.read().bad


def test_a_link_that_fails_right_after_the_switch_is_no_fault_and_it_is_tried_again_by_itself(new_box: Making) -> None:
    box = new_box()
    box.link = [(0, 0.1), (40, 1e9)]
    ended = box.live()
    assert (ended.state, box.trials) == (State.DONE, 2)
    (again,) = [detail for detail in box.said if detail["step"] == "trying_again"]
    assert "inconclusive" in again["sentence"]
    assert "sin conclusión" in again["sentence_es"]
    # Nothing was fetched or built anew.
    assert not (box.releases.folder / f"{VERSION}.fetched").exists()
    assert (box.releases.read().current, dict(box.releases.read().bad)) == (VERSION, {})


def test_a_link_that_is_back_just_as_the_time_is_over_keeps_a_release_that_was_heard(new_box: Making) -> None:
    box = new_box()
    box.link, box.late = [(0, 0.1), (15.2, 1e9)], True
    ended = box.live()
    assert (ended.state, box.trials, dict(box.releases.read().bad)) == (State.DONE, 1, {})
    assert box.releases.read().doubt is None


def test_a_link_that_is_cut_for_just_the_time_of_a_trial_is_not_the_releases_fault(new_box: Making) -> None:
    """The old one is heard at once when it is back: only whoever looked at the link meanwhile can tell."""
    box = new_box()
    box.link = box.reached = [(0, 0.1), (15.6, 1e9)]
    ended = box.live()
    assert (ended.state, box.trials, dict(box.releases.read().bad)) == (State.DONE, 2, {})
    (again,) = [detail for detail in box.said if detail["step"] == "trying_again"]
    assert "could not be reached for long enough, not even where it was before" in again["sentence"]
    assert "no se alcanzó al servidor el tiempo suficiente" in again["sentence_es"]


def test_a_link_that_is_there_for_most_of_a_trial_leaves_the_release_at_fault(new_box: Making) -> None:
    box = new_box()
    box.deaf = True
    box.reached = [(0, 1), (5, 1e9)]
    assert (box.live().detail["verdict"], box.trials) == ("at_fault", BLAMED_AFTER)


def test_a_link_that_is_lost_for_less_than_half_of_a_trial_or_a_collector_that_is_away_blames_no_release(
    new_box: Making,
) -> None:
    """The broker answers for most of the time, and the old release is heard at once."""
    box = new_box()
    box.link = [(0, 0.1), (15.6, 1e9)]
    ended = box.live()
    assert (ended.state, box.trials, dict(box.releases.read().bad)) == (State.DONE, 2, {})


def test_a_release_that_ends_late_is_at_fault_although_no_start_was_long_enough_to_know_the_link(
    new_box: Making,
) -> None:
    box = new_box()
    box.ends, box.lasts = 7, 8.0
    ended = box.live()
    assert (ended.detail["verdict"], box.trials) == ("at_fault", 2 * BLAMED_AFTER)
    assert VERSION in box.releases.read().bad


def test_the_tries_have_an_end_and_it_is_not_called_bad(new_box: Making) -> None:
    """The link comes back only after each trial's time, and fails again as soon as the next begins."""
    box = new_box()
    box.deaf = True
    box.link = [(0, 0.1), *((first, first + 1.6) for first in (40, 80, 120, 160))]
    ended = box.live()
    assert (ended.state, ended.detail["verdict"], box.trials) == (State.ROLLED_BACK, "inconclusive", MOST_TRIES)
    assert f"inconclusive after {MOST_TRIES} tries" in ended.detail["sentence"]
    assert f"después de {MOST_TRIES} intentos" in ended.detail["sentence_es"]
    assert dict(box.releases.read().bad) == {}
    assert box.agent().detail == ended.detail  # whenever it is asked for again


def test_one_that_keeps_ending_is_at_fault_as_soon_as_the_old_one_is_heard(new_box: Making) -> None:
    box = new_box()
    box.ends = 7
    ended = box.live()
    assert (ended.detail["verdict"], box.trials) == ("at_fault", MOST_STARTS)
    assert "it ended with 7" in ended.detail["sentence"]


def test_power_that_goes_in_each_start_says_nothing_of_the_release(new_box: Making) -> None:
    box = new_box()
    box.releases.write(Kept(BASE, trial=Trial(VERSION, COMMAND, boot_id="before", starts=MOST_STARTS)))
    assert (box.live().state, box.trials) == (State.DONE, 1)
    assert "the power went each time" in next(item for item in box.said if item["step"] == "trying_again")["sentence"]


def test_a_link_that_flutters_does_not_spend_the_tries(new_box: Making) -> None:
    """Another try is due once the server was heard for a minute without a break."""
    box = new_box()
    box.link = [(0, 0.1), *((minute, minute + 0.5) for minute in range(40, 60)), (70, 1e9)]
    assert (box.live().state, box.trials) == (State.DONE, 2)
    assert box.clock.mono_ms() >= 71 * 60_000


def test_another_release_may_be_asked_for_while_whose_fault_it_was_is_open(new_box: Making) -> None:
    box = new_box()
    doubt = GivenUp(box.boot, 0, PATIENCE_MS, tries=2)
    ended = launch_outcome("8.0.0", "an earlier command")
    box.releases.write(Kept(BASE, outcome=ended, doubt=doubt))
    assert (box.live().state, box.releases.read().doubt) == (State.DONE, None)


def launch_outcome(version: str, command: str) -> Any:
    """Return the outcome of a trial that was given up."""
    trial = Kept(BASE, trial=Trial(version, command))
    return trial.given_up(Words("it was silent", "no se oyó")).outcome


# -- a power cut at every write


def healthy(box: SimulatedBox) -> None:
    """Everything works."""


def silenced(box: SimulatedBox) -> None:
    """The link fails right after the switch, for ten hours."""
    box.link = [(0, 0.1), (600, 1e9)]


def broken(box: SimulatedBox) -> None:
    """The release hears nobody."""
    box.deaf = True


@pytest.mark.parametrize("fate", [healthy, silenced, broken])
def test_a_power_cut_before_or_after_any_write_changes_nothing_about_how_it_ends(new_box: Making, fate: Any) -> None:
    plain = new_box()
    fate(plain)
    wanted = plain.live()
    assert plain.writes > 3
    for cut in range(2, 2 * plain.writes + 2):
        box = new_box(frozenset({cut}))
        fate(box)
        ended = box.live()
        assert box.boots == 1
        assert_same_end(box, ended, wanted, f"cut {cut}")


def assert_same_end(box: SimulatedBox, ended: Outcome, wanted: Outcome, what: str) -> None:
    state = box.releases.read()
    runs = VERSION if wanted.state is State.DONE else None
    assert (ended.state, state.current, state.trial, state.base) == (wanted.state, runs, None, BASE), what


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(cuts=st.frozensets(st.integers(2, 60), max_size=12), fate=st.sampled_from([healthy, silenced, broken]))
def test_however_often_the_power_goes_an_agent_runs_and_a_sound_release_is_never_called_bad(
    new_box: Making, cuts: frozenset[int], fate: Any
) -> None:
    box = new_box(cuts)
    fate(box)
    ended = box.live()
    state = box.releases.read()
    assert (state.trial, state.doubt, state.base) == (None, None, BASE)
    if fate is broken:
        assert (ended.state, state.current) == (State.ROLLED_BACK, None)
    else:
        assert VERSION not in state.bad
        assert ended.state is State.DONE or ended.detail["verdict"] == "inconclusive"
