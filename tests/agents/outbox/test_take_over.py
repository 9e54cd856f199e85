"""`aldea agent take-over` as a technician meets it: what it shows and refuses; the old disk stays as it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agentkit.making import OTHER_BOOT, held_rows, ping
from aldea.agents.lock import FolderLock
from aldea.agents.machine import hardware_id
from aldea.agents.outbox import Machine, Outbox, Reserve, Span
from aldea.agents.outbox.taking_over import CannotTakeOver
from aldea.agents.records import Handing, NewEntry, RecordBook, Roster, State
from aldea.agents.settings import AgentSettings, agent_settings
from aldea.agents.take_over import take_over
from aldea.model.clock import ManualClock
from aldea.model.wire import Anchor

if TYPE_CHECKING:
    from pathlib import Path

OWNER = "isla/agent"


def old_disk(folder: Path, owner: str = OWNER, rows: int = 7) -> Path:
    """The data folder of a box that died while it ran: its log is still beside the file."""
    with_log = folder.with_name(f"{folder.name}-running")
    box = Outbox(with_log, Machine("dead", OTHER_BOOT, "0.1", owner=owner), 1_000)
    box.set_anchor(Anchor(1_000, 1_790_000_000_000, 50, "ntp"))
    for number in range(rows):
        box.append([ping(number)], 60_000 * (number + 1))
    shutil.copytree(with_log, folder)
    box.close()
    shutil.rmtree(with_log)
    assert (folder / "outbox.sqlite-wal").stat().st_size > 0
    return folder


def new_box(folder: Path) -> tuple[AgentSettings, Outbox]:
    """This box, whose agent is running."""
    settings = agent_settings({"agent": {"site": "isla", "data": str(folder)}}, {})
    box = Outbox(folder, Machine(hardware_id() or "", "b0" * 16, "0.1", owner=OWNER), 1_000)
    return settings, box


def bring(settings: AgentSettings, given: Path, *, agree: bool = True, site: str | None = None) -> tuple[bool, str]:
    said: list[str] = []
    went_well = take_over(settings, given, lambda words: said.append(words.in_("en")), lambda: agree, site)
    return went_well, " ".join(said)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


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


def test_records_and_the_roster_come_along_and_go_on_from_where_they_were(tmp_path: Path) -> None:
    old = tmp_path / "old"
    box = Outbox(old, Machine("dead", OTHER_BOOT, "0.1", owner=OWNER), 1_000)
    book, roster = RecordBook(old), Roster(old)
    entered = [book.enter(NewEntry("attendance", "1", f"2026-07-0{day}", {"unkeyed": day})) for day in (1, 2, 3)]
    handing = Handing(book, box, ManualClock(5_000, 5_000))
    handing.hand_over()
    box.acknowledge(box.epoch, [(2, 2)])
    kept = book.enter(NewEntry("attendance", "1", "2026-07-04", {"unkeyed": 4}))
    roster.add("Una Persona", "F", "25-44", "F25-AB")
    for part in (book, roster, box):
        part.close()
    settings, new = new_box(tmp_path / "data")
    here = RecordBook(settings.data)
    said = bring(settings, old)[1]
    assert "Taken over: 4 records and 1 people." in said
    assert "nothing to take over" in bring(settings, old)[1]
    states = {entry.record: entry.state for entry in here.listed()}
    assert [states[entry.record] for entry in entered] == [State.DELIVERED, State.IN_OUTBOX, State.IN_OUTBOX]
    assert states[kept.record] is State.KEPT
    again = Handing(here, new, ManualClock(5_000, 5_000))
    assert again.hand_over() == 1
    sent = [row.fields["record"] for row in held_rows(new) if row.measurement == "record"]
    assert sorted(map(str, sent)) == sorted([kept.record, *(entry.record for entry in entered[1:])])
    assert set(here.counts().items()) >= {(State.DELIVERED, 4)}
    people = Roster(settings.data)
    assert [person.name for person in people.people()] == ["Una Persona"]
    for part in (people, here, new):
        part.close()


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


def test_of_a_damaged_book_what_can_be_read_comes_along_and_it_is_said(tmp_path: Path) -> None:
    """A card that dies loses pages in the middle: what lies before them and after them is whole."""
    old = old_disk(tmp_path / "old")
    book = RecordBook(old)
    entered = [book.enter(NewEntry("attendance", "1", "2026-07-01", {"note": "x" * 900})) for _ in range(40)]
    book.close()
    with closing(sqlite3.connect(old / "records.db")) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        (size,) = db.execute("PRAGMA page_size").fetchone()
        query = "SELECT pageno FROM dbstat WHERE name = 'version' AND pagetype = 'leaf' ORDER BY path"
        pages = [row[0] for row in db.execute(query)]
    with (old / "records.db").open("r+b") as file:
        file.seek((pages[len(pages) // 2] - 1) * size)
        file.write(b"\xaa" * size)
    settings, box = new_box(tmp_path / "data")
    said = bring(settings, old)[1]
    assert "Of the records and the roster not all can be read" in said
    with closing(sqlite3.connect(settings.data / "records.db")) as db:
        taken = {record for (record,) in db.execute("SELECT record FROM version")}
    assert {entered[0].record, entered[-1].record} <= taken
    assert len(entered) - 8 <= len(taken) < len(entered)
    box.close()


def test_a_book_that_is_none_any_more_keeps_no_row_back(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "old")
    (old / "records.db").write_bytes(b"\0" * 9_000)
    (old / "roster.db").touch()
    settings, box = new_box(tmp_path / "data")
    went_well, said = bring(settings, old)
    assert went_well
    assert "not all can be read" in said
    assert "Taken over: 8 rows." in said
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


def test_somebody_whose_code_another_person_has_here_is_left_out_and_said(tmp_path: Path) -> None:
    old = old_disk(tmp_path / "old")
    settings, box = new_box(tmp_path / "data")
    for folder, name in ((old, "Una Persona"), (settings.data, "Otra Persona")):
        roster = Roster(folder)
        roster.add(name, "F", "25-44", "F25-AB")
        roster.close()
    assert "1 people of its roster bear codes that others have here" in bring(settings, old)[1]
    roster = Roster(old)
    roster.add("Tercera Persona", "F", "25-44", "F25-AC")
    roster.close()
    assert "Taken over: 0 records and 1 people." in bring(settings, old)[1]
    roster = Roster(settings.data)
    assert {person.name for person in roster.people()} == {"Otra Persona", "Tercera Persona"}
    roster.close()
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
