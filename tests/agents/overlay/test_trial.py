"""Settings on trial: kept when the server is heard, given up when not, and nothing changed by what cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agentkit.tried import DEAD, GOOD, TRIAL_SECONDS, TriedBox
from aldea.agents.lock import AlreadyRunning, FolderLock
from aldea.agents.overlay.keeping import FILE, Keeper
from aldea.agents.overlay.source import Source
from aldea.agents.overlay.state import MOST_STARTS, Overlay, State
from aldea.agents.words import Words

if TYPE_CHECKING:
    from pathlib import Path


def test_good_settings_are_tried_kept_and_told(box: TriedBox) -> None:
    answer = box.take(1, GOOD)
    assert (answer.state, answer.restart) == ("running", True)
    assert answer.detail["changed"] == ["sample_seconds"]
    assert box.start().sample_seconds == 20
    assert box.desk.on_trial
    assert not box.desk.step(heard=True)
    assert not box.desk.is_pending
    told = box.take(1, GOOD)
    assert (told.state, told.detail["runs"], told.detail["changed"]) == ("done", 1, ["sample_seconds"])
    assert box.start().sample_seconds == 20
    assert (box.folder / FILE).stat().st_mode & 0o777 == 0o600


def test_settings_that_nobody_hears_are_given_up_in_time(box: TriedBox) -> None:
    box.take(1, DEAD)
    assert box.start().broker.port == 9
    for _ in range(TRIAL_SECONDS):
        assert not box.desk.step(heard=False)
        box.clock.advance(1000)
    assert box.desk.step(heard=False)
    assert box.start().broker.port == 1883
    assert box.desk.is_pending
    box.desk.step(heard=True)
    told = box.take(1, DEAD)
    assert (told.state, told.detail["runs"]) == ("running", 0)
    assert "another try follows by itself (2 of 3)" in told.detail["sentence"]
    box.live(3 * TRIAL_SECONDS)
    told = box.take(1, DEAD)
    assert (told.state, told.detail["tries"]) == ("rolled_back", 2)
    assert "not heard within 60 seconds with these settings" in told.detail["sentence"]
    assert "con estos ajustes no se oyó al servidor en 60 segundos" in told.detail["sentence_es"]
    assert told.detail["inconclusive"] is False
    assert told.detail["runs"] == 0
    box.live(10 * TRIAL_SECONDS)
    assert not box.desk.is_pending, "whoever is at fault is not tried again"


def test_three_starts_without_a_word_are_enough(box: TriedBox) -> None:
    box.take(1, DEAD)
    for _ in range(MOST_STARTS):
        assert box.start().broker.port == 9
    assert box.start().broker.port == 1883
    box.desk.step(heard=True)
    told = box.take(1, DEAD)
    assert "started 3 times" in told.detail["sentence"]
    assert told.detail["inconclusive"] is False


def test_starts_within_a_boot_share_the_time(box: TriedBox) -> None:
    box.take(1, DEAD)
    box.start()
    box.clock.advance(TRIAL_SECONDS * 1000 - 1)
    assert box.start().broker.port == 9
    box.clock.advance(1)
    assert box.start().broker.port == 1883


def test_the_same_revision_is_answered_again_and_an_older_one_refused(box: TriedBox) -> None:
    box.take(4, GOOD)
    assert box.take(4, GOOD).state == "running"
    assert not box.take(4, GOOD).restart
    box.start()
    box.desk.step(heard=True)
    assert box.take(4, GOOD).state == "done"
    old = box.take(3, {"sample_seconds": 10})
    assert old.state == "failed"
    assert "revision 3 is not newer than revision 4" in old.detail["sentence"]
    assert box.start().sample_seconds == 20


def test_a_revision_that_was_given_up_is_not_tried_again(box: TriedBox) -> None:
    box.take(1, DEAD)
    box.start()
    box.desk.give_up(Words("the power is bad", "la corriente es mala"))
    box.start()
    assert box.take(1, DEAD).state == "rolled_back"
    assert box.start().broker.port == 1883


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"sample_seconds": "often", "site": "x"}, "sample_seconds"),
        ({"sample_seconds": "often"}, "expects a number"),
        ({"site": "another"}, "cannot be set from afar"),
        ({"broker": {"port": 7}}, "nobody uses that"),
        ({"sample_seconds": 400}, "send at most as often"),
    ],
)
def test_settings_that_cannot_be_change_nothing(box: TriedBox, document: dict[str, Any], sentence: str) -> None:
    before = box.settings
    answer = box.take(1, document)
    assert (answer.state, answer.restart) == ("failed", False)
    if "site" not in document or len(document) == 1:
        assert sentence in answer.detail["sentence"]
    assert not (box.folder / FILE).exists()
    assert box.start() == before


@pytest.mark.parametrize("payload", [{}, {"revision": 0, "document": {}}, {"revision": True, "document": {}}])
def test_a_command_without_its_parts_is_refused(box: TriedBox, payload: dict[str, Any]) -> None:
    assert box.desk.take("c", payload).state == "failed"


def test_tables_within_tables_without_end_are_refused(box: TriedBox) -> None:
    document: dict[str, Any] = {}
    for _ in range(5000):
        document = {"ping": document}
    answer = box.take(1, document)
    assert answer.state == "failed"
    assert "tables within tables" in answer.detail["sentence"]


def test_a_trial_too_short_to_be_heard_in_can_be_put_right_from_afar(tmp_path: Path) -> None:
    box = TriedBox(tmp_path)
    (tmp_path / "aldea.toml").write_text(f'[agent]\nsite = "village"\ndata = "{tmp_path}"\ntrial_seconds = 1\n')
    box.start()
    box.take(1, {"trial_seconds": 300})
    box.start()
    box.clock.advance(20_000)
    assert not box.desk.step(heard=False), "the longer time holds for the trial that brings it"
    assert not box.desk.step(heard=True)
    assert box.take(1, {"trial_seconds": 300}).state == "done"


def test_kept_settings_whose_file_is_gone_do_not_stop_it(box: TriedBox) -> None:
    Keeper(box.folder).write(State(Overlay(3, {"broker": {"port": 7}})))
    assert box.start().broker.port == 1883
    assert box.desk.revision == 3


def test_settings_that_change_nothing_need_no_trial(box: TriedBox) -> None:
    answer = box.take(1, {"sample_seconds": 60.0})
    assert (answer.state, answer.restart, answer.detail["changed"]) == ("done", False, [])
    assert box.desk.revision == 1


def test_what_a_variable_overrules_is_said(tmp_path: Path) -> None:
    box = TriedBox(tmp_path)
    box.source = Source(box.source.config, {"ALDEA_SAMPLE_SECONDS": "30"})
    box.start()
    answer = box.take(1, {"sample_seconds": 20, "log_level": "debug"})
    assert answer.detail["overruled"] == ["sample_seconds: ALDEA_SAMPLE_SECONDS in the machine's environment wins"]
    assert answer.detail["changed"] == ["log_level"]


def test_kept_settings_that_a_new_version_cannot_use_do_not_stop_it(box: TriedBox) -> None:
    Keeper(box.folder).write(State(Overlay(3, {"gone_setting": 1})))
    assert box.start().sample_seconds == 60


def test_a_spoilt_file_is_put_aside(box: TriedBox) -> None:
    for spoilt in ("{", "[]", '{"version": 2}', '{"version": 1, "kept": {"revision": "x", "document": 1}}'):
        (box.folder / FILE).write_text(spoilt)
        assert box.start().sample_seconds == 60
        assert not (box.folder / FILE).exists()


def test_a_start_beside_a_running_agent_is_not_counted(box: TriedBox) -> None:
    box.take(1, DEAD)
    before = Keeper(box.folder).read()
    lock = FolderLock(box.folder)
    with pytest.raises(AlreadyRunning):
        box.start()
    lock.release()
    assert Keeper(box.folder).read() == before


def test_a_disk_that_takes_nothing_leaves_the_settings_as_they_are(
    box: TriedBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Keeper, state: State) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Keeper, "write", full)
        answer = box.take(1, GOOD)
    assert answer.state == "failed"
    assert "disk" in answer.detail["sentence"]
    assert box.start().sample_seconds == 60


def test_a_trial_that_cannot_be_counted_is_not_run(box: TriedBox, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Keeper, state: State) -> None:
        raise OSError(30, "Read-only file system")

    box.take(1, DEAD)
    monkeypatch.setattr(Keeper, "write", full)
    for _ in range(10):
        assert box.start().broker.port == 1883
