"""A trial in which nobody was heard: the settings' fault only where the link has shown to be there."""

from __future__ import annotations

import json

import pytest

from agentkit.tried import DEAD, GOOD, TRIAL_SECONDS, TriedBox, cut_off_while_trying
from aldea.agents.overlay.keeping import FILE, Keeper
from aldea.agents.overlay.state import MOST_STARTS, State
from aldea.agents.trial_verdict import MOST_TRIES, settling_ms


def test_where_the_settings_before_are_not_heard_either_they_are_tried_again_once_it_is(box: TriedBox) -> None:
    cut_off_while_trying(box, 1, GOOD)
    box.link = True
    box.desk.step(heard=True)
    assert not box.desk.is_open, "there is something to say now"
    told = box.take(1, GOOD)
    assert (told.state, told.restart, told.detail["runs"]) == ("running", False, 0)
    assert "inconclusive" in told.detail["sentence"]
    assert "another try follows by itself (2 of 3)" in told.detail["sentence"]
    assert "sin conclusión" in told.detail["sentence_es"]
    assert "sigue otro intento por sí solo (2 de 3)" in told.detail["sentence_es"]
    box.live(settling_ms(TRIAL_SECONDS * 1000) // 1000 + 2)
    assert box.settings.sample_seconds == 20
    told = box.take(1, GOOD)
    assert (told.state, told.detail["runs"], told.detail["tries"]) == ("done", 1, 2)


def test_bad_settings_are_found_at_fault_by_the_next_try(box: TriedBox) -> None:
    cut_off_while_trying(box, 1, DEAD)
    box.link = True
    box.live(4 * TRIAL_SECONDS)
    told = box.take(1, DEAD)
    assert (told.state, told.detail["inconclusive"], told.detail["tries"]) == ("rolled_back", False, 2)
    assert box.settings.broker.port == 1883


def test_a_link_that_goes_whenever_they_are_tried_ends_without_a_verdict_and_without_blame(box: TriedBox) -> None:
    cut_off_while_trying(box, 1, GOOD)
    for tries in range(2, MOST_TRIES + 1):
        box.link = True
        while not box.desk.on_trial:
            box.live(1)
        box.link = False
        box.live(3 * TRIAL_SECONDS)
        assert box.take(1, GOOD).detail["tries"] == tries
    box.link = True
    box.live()
    told = box.take(1, GOOD)
    assert (told.state, told.detail["inconclusive"], told.detail["runs"]) == ("rolled_back", True, 0)
    assert f"inconclusive after {MOST_TRIES} tries" in told.detail["sentence"]
    assert f"sin conclusión después de {MOST_TRIES} intentos" in told.detail["sentence_es"]
    assert not box.desk.is_pending


def test_a_link_that_flutters_costs_no_try(box: TriedBox) -> None:
    cut_off_while_trying(box, 1, GOOD)
    for _ in range(20):
        box.link = True
        box.live(3)
        box.link = False
        box.live(3)
    assert not box.desk.on_trial
    box.link = True
    box.live()
    assert box.take(1, GOOD).detail["tries"] == 2


def test_newer_settings_take_the_place_of_those_that_wait_for_another_try(box: TriedBox) -> None:
    cut_off_while_trying(box, 1, DEAD)
    box.link = True
    box.live(2)
    assert box.take(2, GOOD).restart
    assert box.desk.step(heard=True), "what is to start anew confirms nothing before it has"
    box.start()
    assert box.settings.sample_seconds == 20
    late = box.take(1, DEAD)
    assert (late.state, late.restart) == ("failed", False)
    assert "revision 2, which took its place" in late.detail["sentence"]
    assert "la revisión 2, que tomó su lugar" in late.detail["sentence_es"]
    box.live()
    assert box.take(2, GOOD).state == "done"
    assert Keeper(box.folder).read().undone is None


def test_settings_as_before_end_the_waiting_for_another_try(box: TriedBox) -> None:
    cut_off_while_trying(box, 1, DEAD)
    box.link = True
    box.live(2)
    answer = box.take(2, {})
    assert (answer.state, answer.restart) == ("done", False)
    box.live(10 * TRIAL_SECONDS)
    assert box.settings.broker.port == 1883


def test_a_verdict_outlives_a_power_cut_and_so_do_the_tries(box: TriedBox) -> None:
    cut_off_while_trying(box, 1, GOOD)
    box.link = True
    box.live(2)
    box.reboot()
    box.start()
    assert box.settings.sample_seconds == 60, "first the server is heard"
    box.live()
    told = box.take(1, GOOD)
    assert (told.state, told.detail["tries"]) == ("done", 2)


def test_a_power_cut_while_nobody_is_heard_leaves_nobody_to_blame(box: TriedBox) -> None:
    box.take(1, GOOD)
    box.link = False
    box.start()
    box.live(TRIAL_SECONDS + 10)
    box.reboot()
    box.link = True
    box.start()
    box.live()
    assert (box.take(1, GOOD).state, box.settings.sample_seconds) == ("done", 20)


def test_power_that_goes_before_anybody_can_be_heard_is_not_the_settings_fault(box: TriedBox) -> None:
    box.take(1, GOOD)
    for _ in range(MOST_STARTS):
        box.reboot()
        box.start()
        box.clock.advance(5000)
    box.reboot()
    assert box.start().sample_seconds == 60, "three starts are enough"
    box.desk.step(heard=True)
    told = box.take(1, GOOD)
    assert (told.state, told.detail["runs"]) == ("running", 0)
    assert "the power went each time" in told.detail["sentence"]
    box.live()
    assert (box.take(1, GOOD).state, box.settings.sample_seconds) == ("done", 20)


def test_the_settings_before_get_their_time_from_their_own_start(box: TriedBox) -> None:
    cut_off_while_trying(box, 1, DEAD)
    box.link = True
    while not box.desk.on_trial:
        box.live(1)
    box.clock.advance(TRIAL_SECONDS * 1000)
    assert box.desk.step(heard=False)
    box.clock.advance(2 * TRIAL_SECONDS * 1000)  # a test that was under way is waited for
    assert box.desk.step(heard=True), "what is heard until then is not heard with the settings before"
    box.begin()
    box.clock.advance(1000)
    box.desk.step(heard=True)
    assert box.take(1, DEAD).detail["inconclusive"] is False


def test_a_disk_that_takes_nothing_puts_the_next_try_off(box: TriedBox, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Keeper, state: State) -> None:
        raise OSError(28, "No space left on device")

    cut_off_while_trying(box, 1, GOOD)
    box.link = True
    box.live(2)
    with monkeypatch.context() as patched:
        patched.setattr(Keeper, "write", full)
        box.live(2 * TRIAL_SECONDS)
        assert box.settings.sample_seconds == 60
    box.live()
    assert box.take(1, GOOD).detail["tries"] == 2


def test_what_an_older_release_wrote_is_read_and_it_can_read_what_is_written_now(box: TriedBox) -> None:
    path = box.folder / FILE
    overlay = {"revision": 2, "document": GOOD}
    outcome = {"command": "c", "revision": 2, "state": "done", "detail": {}, "final": True, "boot_id": "", "at_ms": 0}
    path.write_text(json.dumps({"version": 1, "kept": overlay, "trial": None, "outcome": outcome}))
    assert box.start().sample_seconds == 20
    box.take(3, DEAD)
    written = json.loads(path.read_text())
    assert set(written["trial"]) == {"overlay", "command", "patience_ms", "starts", "boot_id", "since_ms", "answer"}
    assert written["kept"] == overlay
