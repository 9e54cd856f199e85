"""A link that is looked at while settings are on trial: only whoever looked can tell a cut from bad settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from agentkit.tried import DEAD, GOOD, TRIAL_SECONDS, TriedBox
from aldea.agents.link_watch import Place
from aldea.agents.trial_verdict import BLAMED_AFTER, MOST_TRIES

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.agents.link_watch import LinkWatch


class Looking:
    """What looks at the link: it has seen what the test says."""

    def __init__(self, had_link: bool) -> None:
        self.had_link = had_link
        self.places: list[tuple[Place, int]] = []
        self.stops = 0

    def __call__(self, place: Place, patience_ms: int) -> LinkWatch:
        self.places.append((place, patience_ms))
        return cast("LinkWatch", self)

    def start(self) -> None:
        """It begins."""

    def stop(self) -> None:
        self.stops += 1


@pytest.mark.parametrize("had_link", [True, False])
def test_a_link_that_is_cut_for_just_the_time_of_a_trial_is_told_from_bad_settings(
    tmp_path: Path, had_link: bool
) -> None:
    """Those before are heard at once when it is back: only whoever looked at the link meanwhile can tell."""
    looking = Looking(had_link)
    box = TriedBox(tmp_path, watched=looking)
    box.start()
    assert looking.places == [], "nothing is on trial"
    box.take(1, DEAD)
    box.begin()
    assert looking.places == [(Place("127.0.0.1", 1883), TRIAL_SECONDS * 1000)], "where it was heard before"
    for _ in range(TRIAL_SECONDS):
        assert not box.desk.step(heard=False)
        box.clock.advance(1000)
    assert box.desk.step(heard=False)
    assert looking.stops == 1
    box.begin()
    box.desk.step(heard=True)
    told = box.take(1, DEAD)
    assert (told.state, told.detail["runs"]) == ("running", 0)
    if not had_link:
        assert "could not be reached for long enough, not even where it was before" in told.detail["sentence"]
        assert "no se alcanzó al servidor el tiempo suficiente" in told.detail["sentence_es"]
    box.live(5 * TRIAL_SECONDS)
    told = box.take(1, DEAD)
    assert (told.state, told.detail["inconclusive"]) == ("rolled_back", not had_link)
    assert told.detail["tries"] == (BLAMED_AFTER if had_link else MOST_TRIES)


def test_a_collector_that_is_away_for_just_the_time_of_a_trial_blames_nothing_though_its_broker_answers(
    tmp_path: Path,
) -> None:
    box = TriedBox(tmp_path, watched=Looking(had_link=True))
    box.start()
    box.take(1, GOOD)
    box.begin()
    box.link = False
    while not box.desk.step(heard=box.hears):
        box.clock.advance(1000)
    box.begin()
    box.link = True
    box.desk.step(heard=True)
    assert box.take(1, GOOD).state == "running", "those before are heard at once, and so is the broker"
    box.reboot()
    box.start()  # what is known of it outlives the power
    box.live()
    told = box.take(1, GOOD)
    assert (told.state, told.detail["tries"], box.settings.sample_seconds) == ("done", 2, 20)


def test_settings_that_are_heard_are_looked_after_no_more(tmp_path: Path) -> None:
    looking = Looking(had_link=False)
    box = TriedBox(tmp_path, watched=looking)
    box.start()
    box.take(1, GOOD)
    box.begin()
    box.desk.step(heard=True)
    assert (box.take(1, GOOD).state, looking.stops) == ("done", 1)


def test_a_trial_whose_last_start_comes_too_late_to_look_leaves_nobody_to_blame(tmp_path: Path) -> None:
    box = TriedBox(tmp_path, watched=Looking(had_link=True))
    box.start()
    box.take(1, DEAD)
    box.start()
    box.clock.advance(2 * TRIAL_SECONDS * 1000)
    box.start()
    box.desk.step(heard=True)
    assert box.take(1, DEAD).state == "running"
