"""What the server sends to a box with records: a newer form, and what it gave back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agentkit.making import make_outbox
from aldea.agents.operating.handler import Outcome, State
from aldea.agents.records import Desk, NewEntry, open_desk
from aldea.agents.records import State as Came
from aldea.agents.records.handing import FORMS_TOLD
from aldea.agents.records.handlers import record_handlers
from aldea.agents.records.programmes import ProgrammeShelf
from aldea.model.clock import ManualClock
from aldea.model.forms.programmes import programmes_number
from aldea.model.messages import Command


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    outbox = make_outbox(tmp_path)
    found = open_desk(tmp_path, outbox, ManualClock(), lambda: None)
    yield found
    found.close()
    outbox.close()


def carry_out(desk: Desk, kind: str, payload: Mapping[str, Any]) -> Outcome:
    """Carry out a command of a kind."""
    handler = next(item for item in record_handlers(desk) if item.kind == kind)

    async def tell(*_: object) -> None:
        return None

    return asyncio.run(handler.carry_out(Command("1", kind, payload, 2**52), tell))


def test_a_newer_form_is_taken_an_older_one_passed_over_a_wrong_one_refused(desk: Desk) -> None:
    form = desk.shelf.forms()["service"]
    newer = {**form.document, "version": "99", "title": {"es": "Otro", "en": "Other"}}
    assert carry_out(desk, "form", {"definition": newer}).detail == {"taken": True}
    assert desk.shelf.forms()["service"].title["es"] == "Otro"
    assert carry_out(desk, "form", {"definition": form.document}).detail == {"taken": False}
    wrong = carry_out(desk, "form", {"definition": {**newer, "version": "100", "colour": "red"}})
    assert (wrong.state, "'colour' is not a key" in str(wrong.detail)) == (State.FAILED, True)
    assert carry_out(desk, "form", {}).state is State.FAILED


DATES = [{"id": "sur", "starts_on": "2025-01-01", "ends_on": "2025-06-30"}]


def test_the_dates_of_programmes_are_kept_over_a_restart_and_told_back(desk: Desk, tmp_path: Path) -> None:
    assert "programmes=0" in told_forms(desk)
    assert carry_out(desk, "programmes", {"programmes": DATES}).detail == {"taken": True}
    assert carry_out(desk, "programmes", {"programmes": DATES}).detail == {"taken": False}
    assert f"programmes={programmes_number(DATES)}" in told_forms(desk)
    again = ProgrammeShelf(tmp_path)
    dates = again.dates_of("sur")
    assert dates is not None
    assert (str(dates.starts_on), str(dates.ends_on), again.number) == (
        "2025-01-01",
        "2025-06-30",
        programmes_number(DATES),
    )
    for wrong in (None, "x", [{"id": "sur"}], [{"id": "SUR", "starts_on": "2025-01-01"}], DATES * 51):
        assert carry_out(desk, "programmes", {"programmes": wrong}).state is State.FAILED, wrong
    assert desk.programmes.dates_of("sur") == dates
    (tmp_path / "programmes.json").write_text("{", encoding="utf-8")
    assert ProgrammeShelf(tmp_path).dates_of("sur") is None, "a damaged file is passed over"


def told_forms(desk: Desk) -> str:
    """Return what the box has told of its forms last."""
    desk.hand_over()
    return str(desk.book.remembered(FORMS_TOLD))


def test_what_was_given_back_is_shown_with_its_sentences_and_the_next_version_goes(desk: Desk) -> None:
    entry = desk.book.enter(NewEntry("power_note", "1", "2026-11-20", {"from": "2026-11-20T06:00"}))
    desk.hand_over()
    told = {"record": entry.record, "version": 1, "sentences": {"es": ["No."], "en": ["No."]}}
    assert carry_out(desk, "record_returned", told).detail == {"known": True}
    assert desk.book.versions(entry.record)[0].sentences == {"es": ["No."], "en": ["No."]}
    assert desk.book.counts()[Came.RETURNED] == 1
    again = NewEntry("power_note", "1", "2026-11-21", entry.payload, record=entry.record, reason="fecha")
    assert desk.book.enter(again).version == 2
    assert desk.handing.hand_over() == 1
    assert carry_out(desk, "record_returned", {**told, "record": "0" * 32}).detail == {"known": False}
    assert carry_out(desk, "record_returned", {"record": entry.record}).state is State.FAILED
