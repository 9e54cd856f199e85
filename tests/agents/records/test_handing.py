"""Records on their way: whatever happens in between, none is lost and none goes again and again."""

from __future__ import annotations

import json
import sqlite3

import pytest

from agentkit.record_box import PAYLOAD, Box, entry_of
from aldea.agents.records import Handing, RecordBook, State
from aldea.agents.records.shelf import FormShelf


def test_a_record_is_kept_handed_over_and_delivered(box: Box) -> None:
    entered = box.book.enter(entry_of(token="t"))
    assert entered.state is State.KEPT
    assert box.book.enter(entry_of(token="t")) == entered, "the same form again"
    assert box.handing.hand_over() == 1
    ((epoch, seq, fields),) = box.waiting()
    assert json.loads(fields["payload"]) == PAYLOAD
    assert box.book.by_token("t") is not None
    assert box.handing.hand_over() == 0
    box.outbox.acknowledge(epoch, [(seq, seq)])
    assert box.book.counts()[State.DELIVERED] == 1
    assert box.handing.hand_over() == 0


def test_power_that_goes_between_the_outbox_and_the_book_loses_nothing(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    box.book.enter(entry_of())
    with monkeypatch.context() as patch:
        patch.setattr(RecordBook, "placed", dies)
        with pytest.raises(KeyboardInterrupt):
            box.handing.hand_over()
    box.cut()
    assert box.book.counts()[State.KEPT] == 1
    box.handing.hand_over()
    assert [fields["version"] for _, _, fields in box.waiting()] == [1, 1], "twice in the outbox, once at the server"


def test_a_row_that_is_gone_without_having_arrived_goes_again(box: Box) -> None:
    box.book.enter(entry_of())
    box.handing.hand_over()
    box.outbox.close()
    for path in box.folder.glob("outbox.sqlite*"):
        path.write_bytes(b"\0" * 4096)
    box.cut()
    assert box.waiting() == []
    assert box.handing.hand_over() == 1
    assert len(box.waiting()) == 1


def test_a_new_epoch_does_not_lose_it(box: Box) -> None:
    box.book.enter(entry_of())
    box.handing.hand_over()
    box.outbox.move_to_new_epoch()
    box.handing.hand_over()
    assert {fields["record"] for _, _, fields in box.waiting()} == {box.book.listed()[0].record}
    for epoch, seq, _ in box.waiting():
        box.outbox.acknowledge(epoch, [(seq, seq)])
    assert box.book.counts()[State.DELIVERED] == 1


def test_what_the_server_refuses_comes_back_and_a_conflict_of_numbers_goes_again(box: Box) -> None:
    box.book.enter(entry_of())
    box.book.enter(entry_of(2))
    box.handing.hand_over()
    (one, other) = box.waiting()
    box.outbox.reject(one[0], one[1], one[1], "invalid_row")
    box.outbox.reject(other[0], other[1], other[1], "conflict")
    assert box.handing.hand_over() == 1
    refused, again = sorted(box.book.listed(), key=lambda entry: entry.id)
    assert (refused.state, again.state) == (State.RETURNED, State.IN_OUTBOX)
    assert refused.sentences["es"][0].startswith("El servidor no aceptó este envío: no se pudo leer.")
    assert refused.sentences["en"][0].startswith("The server did not take what was sent: it could not be read.")


def test_a_book_that_cannot_be_written_sends_nothing_again_and_again(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    handing = Handing(box.book, box.outbox, box.clock, FormShelf(box.folder))
    box.book.enter(entry_of())
    box.book.enter(entry_of(2))
    with monkeypatch.context() as patch:
        patch.setattr(RecordBook, "placed", full)
        patch.setattr(RecordBook, "remember", full)
        for _ in range(5):
            handing.hand_over()
    handing.hand_over()
    assert [json.loads(fields["payload"])["unkeyed"] for _, _, fields in box.waiting()] == [1, 2]
    assert len(box.waiting("forms")) == 1
    assert box.book.counts()[State.IN_OUTBOX] == 2


def test_the_versions_of_the_forms_are_told_once_and_again_after_a_change(box: Box) -> None:
    shelf = FormShelf(box.folder)
    handing = Handing(box.book, box.outbox, box.clock, shelf)
    assert [handing.hand_over() for _ in range(2)] == [1, 0]
    power = shelf.forms()["power_note"]
    newer = {**power.document, "version": str(int(power.version) + 1)}
    assert shelf.take(newer)
    assert not shelf.take(power.document)
    assert [handing.hand_over() for _ in range(2)] == [1, 0]
    again = FormShelf(box.folder)
    assert again.forms()["power_note"].version == newer["version"], "kept in the folder"
    (box.folder / "forms/power_note.json").write_text("{", encoding="utf-8")
    assert FormShelf(box.folder).forms()["power_note"].version == power.version, "a spoilt one is passed over"
