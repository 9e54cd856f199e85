"""`aldea agent take-over` as a technician meets it: what it refuses, with a sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from agentkit.old_disk import bring, new_box, old_disk
from aldea.agents.outbox.taking_over import CannotTakeOver
from aldea.agents.settings import agent_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_another_site_s_disk_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    settings, box = new_box(tmp_path / "data")
    with pytest.raises(CannotTakeOver, match="is of otra/agent, and this box is isla/agent: nothing was taken"):
        bring(settings, old_disk(tmp_path / "old", "otra/agent"))
    assert box.stats().rows == 1
    box.close()


def test_a_file_that_does_not_say_whose_it_is_needs_the_person_s_word(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "old", owner="")
    settings, box = new_box(tmp_path / "data")
    with pytest.raises(CannotTakeOver, match="add --of-site isla"):
        bring(settings, old)
    assert bring(settings, old, site="isla")[0]
    box.close()


def test_the_enrolment_beside_a_file_says_whose_it_is(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "old", owner="")
    known = {"site": "otra", "device": "agent", "host": "h", "port": 1, "tls": False, "username": "u"}
    kept = {**known, "version": 1, "password_file": "p", "ca_file": None, "server": "s", "timezone": "UTC"}
    (old / "enrolment.json").write_text(json.dumps(kept), encoding="utf-8")
    settings, box = new_box(tmp_path / "data")
    with pytest.raises(CannotTakeOver, match="is of otra/agent"):
        bring(settings, old, site="isla")
    box.close()


def test_one_s_own_folder_an_empty_one_and_a_box_that_never_ran_get_a_sentence(tmp_path: Path) -> None:
    settings, box = new_box(tmp_path / "data")
    with pytest.raises(CannotTakeOver, match="this box's own data folder"):
        bring(settings, settings.data)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CannotTakeOver, match="holds no outbox"):
        bring(settings, tmp_path / "empty")
    box.close()
    fresh = agent_settings({"agent": {"site": "isla", "data": str(tmp_path / "fresh")}}, {})
    (tmp_path / "fresh").mkdir()
    with pytest.raises(CannotTakeOver, match="let the agent run once"):
        bring(fresh, old_disk(tmp_path / "old"))


def test_a_file_that_is_no_outbox_is_left_out_and_said(tmp_path: Path) -> None:
    settings, box = new_box(tmp_path / "data")
    (tmp_path / "outbox.sqlite").write_bytes(b"\0" * 9_000)
    went_well, said = bring(settings, tmp_path / "outbox.sqlite")
    assert not went_well
    assert "cannot be read as an outbox" in said
    box.close()


def test_a_box_without_room_for_the_copy_says_so_and_does_not_blame_the_old_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, box = new_box(tmp_path / "data")
    old = old_disk(tmp_path / "old")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("aldea.agents.old_disk.copy_file", full)
        with pytest.raises(CannotTakeOver, match=r"This box's disk has no room for a copy of .*: free 1 MB"):
            bring(settings, old)
    assert list(settings.data.glob("take-over-*")) == []
    assert bring(settings, old)[0]
    box.close()
