"""What is deleted or changed in the roster's file is not left lying in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from aldea.agents.records import Roster
from aldea.agents.records.roster import Draft


def test_a_name_that_was_changed_and_a_draft_that_was_dropped_are_nowhere_in_the_file(tmp_path: Path) -> None:
    roster = Roster(tmp_path)
    person = roster.add("Juana Secreto", "F", "25-44")
    typed = [["activity", "con Pedro Oculto " * 400]]  # of several pages, which become free
    roster.keep_draft(Draft("one", "attendance", {"pairs": typed}))
    roster.keep_draft(Draft("other", "attendance", {"pairs": [["activity", "con Ana Callada"]]}))
    held = (tmp_path / "roster.db-wal").read_bytes()
    assert all(name in held for name in (b"Secreto", b"Oculto", b"Callada"))
    roster.change(replace(person, name="Maestra"))
    for token in ("one", "other"):
        roster.drop_draft(token)
    roster.leave_nothing()
    while_open = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [name for name in (b"Secreto", b"Oculto", b"Callada") if name in while_open] == []
    roster.leave_nothing()
    roster.close()
    assert [path.name for path in tmp_path.iterdir()] == ["roster.db"]
    content = (tmp_path / "roster.db").read_bytes()
    assert b"Maestra" in content
    assert [name for name in (b"Secreto", b"Oculto", b"Callada") if name in content] == []
