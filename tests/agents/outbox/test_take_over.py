"""`aldea agent take-over` as a technician meets it: what it shows and brings in; the old disk stays as it was."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from agentkit.making import OTHER_BOOT, held_rows, ping
from agentkit.old_disk import OWNER, bring, contents, new_box, old_disk
from aldea.agents.lock import FolderLock
from aldea.agents.machine import hardware_id
from aldea.agents.outbox import Machine, Outbox, Reserve, Span
from aldea.agents.outbox.taking_over import CannotTakeOver
from aldea.model.wire import Anchor

if TYPE_CHECKING:
    from pathlib import Path


def test_what_waits_on_an_old_disk_is_shown_asked_for_and_brought_in(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "usb/var/lib/aldea-agent")
    before = contents(old)
    settings, box = new_box(tmp_path / "data")
    went_well, said = bring(settings, tmp_path / "usb", agree=False)
    assert not went_well
    assert "8 rows undelivered, from 2026-09-21" in said
    assert said.endswith("Nothing was changed.")
    assert box.stats().rows == 1
    went_well, said = bring(settings, tmp_path / "usb")
    assert went_well
    assert "Taken over: 8 rows." in said
    assert contents(old) == before
    assert [path.name for path in settings.data.glob("take-over-*")] == []
    rows = held_rows(box)
    assert [row.fields["sent"] for row in rows if row.measurement == "ping"] == list(range(7))
    nothing = "0 rows undelivered. There is nothing to take over: all of it was delivered, or taken over before."
    assert bring(settings, old) == (True, f"{old}/outbox.sqlite: {nothing}")
    box.close()


def test_the_boots_come_along_under_the_numbers_and_anchors_of_their_own_box(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "old")
    settings, box = new_box(tmp_path / "data")
    bring(settings, old)
    held = box.next_bulk(100, 2**60, {})
    assert held is not None
    assert (held.boot.number, held.boot.boot_id) == (1, OTHER_BOOT)
    assert held.boot.anchor == Anchor(1_000, 1_790_000_000_000, 50, "ntp")
    assert held.epoch != box.epoch
    assert (held.first_seq, held.last_seq) == (1, 8)
    box.close()
    again = Outbox(settings.data, Machine(hardware_id() or "", "b2" * 16, "0.1"), 1_000)
    assert again.boot.number == 2
    assert again.epoch == box.epoch
    again.close()


def test_what_the_old_box_could_not_record_is_told_once(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "old")
    Reserve(old / "outbox.reserve").note(Span(OTHER_BOOT, 500_000, 900_000, 12, "disk_full"))
    settings, box = new_box(tmp_path / "data")
    assert "1 times when nothing could be recorded" in bring(settings, old)[1]
    bring(settings, old)
    told = [row.fields for row in held_rows(box) if row.measurement == "not_recorded"]
    assert [(item["boot_id"], item["count"]) for item in told] == [(OTHER_BOOT, 12)]
    box.close()


def test_what_this_box_had_put_aside_can_be_taken_over_from_its_own_folder(tmp_path: Path) -> None:
    settings, box = new_box(tmp_path / "data")
    box.close()
    for path in sorted(old_disk(tmp_path / "old").glob("outbox.sqlite*")):
        shutil.copy(path, settings.data)  # a disk that went into another machine, with all its files
    box = Outbox(settings.data, Machine("another", "b3" * 16, "0.1", owner=OWNER), 1_000)
    box.close()
    (settings.data / "outbox.sqlite").unlink()
    _, box = new_box(settings.data)
    assert "Taken over: 8 rows." in bring(settings, settings.data)[1]
    box.close()


def test_two_take_overs_at_once_are_one_and_a_sentence(tmp_path: Path) -> None:
    settings, box = new_box(tmp_path / "data")
    lock = FolderLock(settings.data, "take-over")
    with pytest.raises(CannotTakeOver, match="Another take-over is at work on this box") as refused:
        bring(settings, old_disk(tmp_path / "old"))
    assert "Otra" in refused.value.words.in_("es")
    lock.release()
    assert bring(settings, tmp_path / "old")[0]
    assert list(settings.data.glob("take-over-*")) == []
    box.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk")
def test_a_disk_that_is_mounted_read_only_is_taken_over_with_what_its_log_still_holds(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "old")
    _, box = new_box(tmp_path / "data")
    take = f"{sys.executable} -m aldea.agents take-over {old} --yes --site isla --data {tmp_path / 'data'}"
    mount = f"mount --bind {old} {old} && mount -o remount,bind,ro {old}"
    check = f"! touch {old}/x 2>/dev/null"
    script = f"{mount} || exit 77; {check} && {take}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    if done.returncode == 77:
        pytest.skip("this machine lets nobody mount")
    assert (done.returncode, "8" in done.stdout) == (0, True), done.stderr
    assert len(held_rows(box)) == 9
    box.close()


def test_the_command_takes_over_while_an_agent_holds_the_file(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "old")
    _, box = new_box(tmp_path / "data")
    command = [
        sys.executable,
        "-m",
        "aldea.agents",
        "take-over",
        str(old),
        "--site",
        "isla",
        "--data",
        str(tmp_path / "data"),
    ]
    environ = {**os.environ, "HOME": str(tmp_path), "LC_ALL": "es_MX.UTF-8"}
    asked = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=tmp_path, check=False)
    assert (asked.returncode, "Agregue --yes" in asked.stdout) == (1, True), asked.stderr
    assert f"{old}/outbox.sqlite: 8 lecturas sin entregar, del 2026-09-21" in asked.stdout
    other = [*command[:-4], "--site", "otra", *command[-2:]]
    refused = subprocess.run(other, capture_output=True, text=True, env=environ, cwd=tmp_path, check=False)
    assert (refused.returncode, "es de isla/agent, y esta caja es otra/agent" in refused.stderr) == (1, True)
    environ["LC_ALL"] = "C.UTF-8"
    done = subprocess.run([*command, "--yes"], capture_output=True, text=True, env=environ, cwd=tmp_path, check=False)
    assert (done.returncode, "Taken over: 8 rows." in done.stdout) == (0, True), done.stderr
    box.append([ping()], 5_000)
    assert len(held_rows(box)) == 10
    box.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_root_reads_the_disk_and_goes_on_as_the_folder_s_owner(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "old")
    _, box = new_box(tmp_path / "data")
    box.close()
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    for path in (tmp_path / "data", *(tmp_path / "data").iterdir()):
        os.chown(path, 65534, 65534)
    command = [sys.executable, "-m", "aldea.agents", "take-over", str(old), "--site", "isla", "--yes"]
    command += ["--data", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    owners = {path.stat().st_uid for path in (tmp_path / "data").iterdir()}
    assert owners == {65534}
