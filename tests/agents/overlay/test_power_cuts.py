"""The power goes at any write of a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentkit.tried import DEAD, GOOD, TRIAL_SECONDS, Cuts, PowerCut, TriedBox
from aldea.agents.overlay.keeping import Keeper
from aldea.agents.overlay.state import Overlay

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("document", [GOOD, DEAD])
@pytest.mark.parametrize("after", range(40))
def test_a_power_cut_at_any_write_leaves_the_old_or_the_new_settings_and_a_way_on_line(
    tmp_path: Path, cuts: Cuts, document: dict[str, Any], after: int
) -> None:
    box = TriedBox(tmp_path)
    box.start()
    cuts.left = after
    try:
        box.take(1, document)
        box.start()
        box.live()
    except PowerCut:
        pass
    cuts.left = None
    box.reboot()
    box.start()
    box.live(6 * TRIAL_SECONDS)
    assert box.hears
    assert not box.desk.is_pending
    kept = Keeper(box.folder).read().kept
    assert kept in (Overlay(), Overlay(1, GOOD))
    assert box.settings.sample_seconds == (20 if kept.revision else 60)


@pytest.mark.parametrize("document", [GOOD, DEAD])
@pytest.mark.parametrize("after", range(50))
def test_a_power_cut_at_any_write_while_the_link_is_away_blames_nothing_that_is_good(
    tmp_path: Path, cuts: Cuts, document: dict[str, Any], after: int
) -> None:
    box = TriedBox(tmp_path)
    box.start()
    taken = False
    cuts.left = after
    try:
        taken = box.take(1, document).restart
        box.link = False
        box.start()
        box.live(3 * TRIAL_SECONDS)
        box.link = True
        box.live()
    except PowerCut:
        pass
    cuts.left, box.link = None, True
    box.reboot()
    box.start()
    box.live(6 * TRIAL_SECONDS)
    assert box.hears
    assert not box.desk.is_pending
    told = box.take(1, document) if taken else None
    if document is DEAD:
        assert told is None or (told.state, told.detail["inconclusive"]) == ("rolled_back", False)
        assert box.settings.broker.port == 1883
    else:
        assert told is None or (told.state, box.settings.sample_seconds) == ("done", 20)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from([GOOD, DEAD, {}, {"sample_seconds": 25}, {"sample_seconds": "x"}])),
        st.tuples(st.just("pass"), st.integers(1, 90)),
        st.just(("reboot", 0)),
        st.just(("crash", 0)),
        st.tuples(st.just("cut"), st.integers(0, 12)),
        st.tuples(st.just("link"), st.booleans()),
    ),
    max_size=16,
)


def happens(box: TriedBox, cuts: Cuts, what: str, revision: int, value: Any) -> None:
    if what == "take":
        if box.take(revision, value).restart:
            box.begin()
    elif what == "pass":
        box.live(value)
    elif what == "cut":
        cuts.left = value
    elif what == "link":
        box.link = value
    else:
        if what == "reboot":
            box.reboot()
        box.start()


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(STEPS)
def test_whatever_happens_the_agent_gets_back_on_line(
    tmp_path_factory: pytest.TempPathFactory, cuts: Cuts, script: list[tuple[str, Any]]
) -> None:
    box = TriedBox(tmp_path_factory.mktemp("box"))
    box.start()
    for number, (what, value) in enumerate(script, 1):
        try:
            happens(box, cuts, what, number if what == "take" else 0, value)
        except PowerCut:
            box.reboot()
            cuts.left = None
            box.start()
        kept = Keeper(box.folder).read().kept.document
        assert "broker" not in kept, "what was never heard is never kept"
    cuts.left, box.link = None, True
    box.reboot()
    box.start()
    box.live(10 * TRIAL_SECONDS)
    assert box.hears
    assert not box.desk.is_pending
