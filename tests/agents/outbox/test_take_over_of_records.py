"""`aldea agent take-over` as a technician meets it: the records and the people of the old box."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from agentkit.making import OTHER_BOOT, held_rows
from agentkit.old_disk import OWNER, bring, new_box, old_disk
from aldea.agents.outbox import Machine, Outbox
from aldea.agents.records import Handing, NewEntry, RecordBook, Roster, State
from aldea.model.clock import ManualClock

if TYPE_CHECKING:
    from pathlib import Path


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
