"""Records on their way: whatever happens in between, the server ends with the box's newest version, each one once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentkit.making import make_outbox
from aldea.agents.records import Handing, NewEntry, RecordBook, RecordRefused, State, open_desk
from aldea.agents.records.handing import KEPT_DAYS
from aldea.agents.records.roster import DRAFT_DAYS, Draft
from aldea.agents.records.shelf import FormShelf
from aldea.collector.commanding.records import take_record
from aldea.collector.commanding.rows import DocumentRow
from aldea.model.clock import ManualClock
from aldea.model.wire import Anchor
from aldea.storage.register import Register, open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.records import record_versions
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from registerkit import clean_file

NOW_MS = 1_795_366_800_000
DAY_MS = 86_400_000
PAYLOAD: Mapping[str, Any] = {"activity": "Taller", "participants": [], "unkeyed": 1}


def entry_of(number: int = 1, **more: Any) -> NewEntry:
    """Return something to enter."""
    return NewEntry("attendance", "2", "2026-11-20", {**PAYLOAD, "unkeyed": number}, **more)


@dataclass
class Box:
    """A box's files; they can be left as a power cut leaves them, and opened again."""

    folder: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW_MS))
    boots: int = 0

    def __post_init__(self) -> None:
        self.book = RecordBook(self.folder)
        self.open_outbox()

    def open_outbox(self) -> None:
        """Start the agent again."""
        self.boots += 1
        self.outbox = make_outbox(self.folder, boot=f"{self.boots:032x}", mono_ms=self.clock.mono_ms())
        self.handing = Handing(self.book, self.outbox, self.clock)

    def cut(self) -> None:
        """Cut the power: whatever was open is gone, and everything is opened anew."""
        self.close()
        self.book = RecordBook(self.folder)
        self.open_outbox()

    def close(self) -> None:
        self.book.close()
        self.outbox.close()

    def waiting(self, measurement: str = "record") -> list[tuple[str, int, Mapping[str, Any]]]:
        """Return every row of a measurement in the outbox: epoch, seq, fields."""
        found = []
        for epoch in self.epochs():
            first = 1
            while (held := self.outbox.between(epoch, first, 2**60, 1000)) is not None:
                found += [(held.epoch, row.seq, row.fields) for row in held.rows if row.measurement == measurement]
                first = held.last_seq + 1
        return found

    def epochs(self) -> list[str]:
        with sqlite3.connect(self.folder / "outbox.sqlite") as db:
            names = [str(row[0]) for row in db.execute("SELECT name FROM epoch ORDER BY id")]
        db.close()
        return names


@pytest.fixture
def box(tmp_path: Path) -> Any:
    found = Box(tmp_path)
    yield found
    found.close()


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


def test_versions_are_gapless_need_a_reason_and_notice_each_other(box: Box) -> None:
    first = box.book.enter(entry_of())
    second = box.book.enter(entry_of(2, record=first.record, based_on=1, reason="dato"))
    assert second.version == 2
    for more, why in (
        ({"based_on": 1, "reason": "x"}, "changed"),
        ({"based_on": 2}, "no_reason"),
        ({"record": "0" * 32, "reason": "x"}, "gone"),
    ):
        with pytest.raises(RecordRefused) as caught:
            box.book.enter(entry_of(3, **({"record": first.record} | more)))
        assert caught.value.why == why
    withdrawn = box.book.withdraw(first.record, "x")
    assert (withdrawn.version, withdrawn.withdrawn, withdrawn.payload["unkeyed"]) == (3, True, 2)
    assert box.book.withdraw(first.record, "y") == withdrawn
    with pytest.raises(RecordRefused, match="too_long"):
        box.book.enter(NewEntry("attendance", "2", "2026-11-20", {"activity": "x" * 16_384}))


def test_delivered_records_go_after_their_time_and_waiting_ones_never(box: Box) -> None:
    old = NOW_MS - (KEPT_DAYS + 1) * DAY_MS
    kept = [box.book.enter(replace(entry_of(number), made_ms=made)) for number, made in ((1, old), (2, old), (3, None))]
    box.outbox.set_anchor(Anchor(box.clock.mono_ms(), NOW_MS, 10, "ntp"))
    box.handing.hand_over()
    (epoch, seq, _), *_, (_, last, _) = box.waiting()
    box.outbox.acknowledge(epoch, [(seq, seq), (last, last)])
    box.clock.advance(2 * DAY_MS)
    box.handing.hand_over()
    assert [entry.record for entry in box.book.listed()] == [kept[2].record, kept[1].record]


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


def test_records_that_came_back_and_were_mended_or_left_go_after_their_time(box: Box) -> None:
    old = NOW_MS - (KEPT_DAYS + 1) * DAY_MS
    mended, left, asked = [box.book.enter(replace(entry_of(number), made_ms=old)) for number in (1, 2, 3)]
    for entry in (mended, left, asked):
        box.book.returned(entry.record, 1, {"es": ["Revísese."]})
    box.book.enter(replace(entry_of(4), record=mended.record, reason="dato", made_ms=old))
    assert box.book.lay_aside(left.record)
    assert not box.book.lay_aside(mended.record), "its newest version was not given back"
    assert box.book.thin_out(NOW_MS) == 1, "the one that was left"
    (version,) = box.book.in_state(State.KEPT)
    box.book.placed(version, "e", 7)
    box.book.arrived("e", [(7, 7)])
    assert box.book.thin_out(NOW_MS) == 2, "both versions of the mended one"
    assert [entry.record for entry in box.book.given_back()] == [asked.record]


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


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "enter",
                "correct",
                "correct",
                "withdraw",
                "hand",
                "hand",
                "carry",
                "carry",
                "cut",
                "epoch",
                "damage",
                "halves",
            ]
        ),
        st.integers(0, 7),
    ),
    min_size=4,
    max_size=30,
)


@settings(max_examples=25)
@given(steps=STEPS)
def test_after_any_course_of_things_the_server_has_each_version_once_and_the_newest_counts(
    steps: list[tuple[str, int]],
) -> None:
    with TemporaryDirectory(prefix="aldea-records-") as name:
        world = World(Path(name))
        try:
            for step, number in steps:
                world.do(step, number)
            world.finish()
            world.check()
        finally:
            world.close()


class World:
    """A box, a link that reorders and repeats, and the register behind it."""

    def __init__(self, folder: Path) -> None:
        (folder / "box").mkdir()
        self.box = Box(folder / "box")
        self.register: Register = open_register(clean_file(folder))
        began = NOW_MS - 300 * DAY_MS
        place, agent = Site("norte", "Norte", "America/Merida", began), Device("norte", "agent", "agent", began)
        with self.register.transaction() as unit:
            add_sites(unit, [SiteEntry(place, began, SiteState.COMMISSIONED, devices=(agent,))])

    def do(self, step: str, number: int) -> None:
        getattr(self, f"_{step}")(number)

    def _enter(self, number: int) -> None:
        self.box.book.enter(entry_of(number + 1))

    def _correct(self, number: int) -> None:
        if found := self.box.book.listed(limit=50):
            record = found[number % len(found)].record
            self.box.book.enter(entry_of(number + 10, record=record, reason="dato"))

    def _withdraw(self, number: int) -> None:
        if found := self.box.book.listed(limit=50):
            self.box.book.withdraw(found[number % len(found)].record, "error")

    def _hand(self, number: int) -> None:
        del number
        self.box.handing.hand_over()

    def _carry(self, number: int) -> None:
        """Carry one waiting row, any of them; the acknowledgement of every third is lost."""
        waiting = self.box.waiting()
        if waiting:
            epoch, seq, fields = waiting[number % len(waiting)]
            row = DocumentRow("norte", "agent", epoch, seq, None, NOW_MS, "record", dict(fields))
            with self.register.transaction() as unit:
                take_record(unit, row)
            if number % 3:
                self.box.outbox.acknowledge(epoch, [(seq, seq)])

    def _cut(self, number: int) -> None:
        del number
        self.box.cut()

    def _epoch(self, number: int) -> None:
        del number
        self.box.outbox.move_to_new_epoch()

    def _damage(self, number: int) -> None:
        del number
        self.box.outbox.close()
        for path in self.box.folder.glob("outbox.sqlite*"):
            path.unlink()
        self.box.cut()

    def _halves(self, number: int) -> None:
        """Cut the power after a row went into the outbox and before the book knows of it."""
        del number
        placed = RecordBook.placed
        try:
            RecordBook.placed = lambda *_: None  # type: ignore[method-assign]  # the power goes just before it
            self.box.handing.hand_over()
        finally:
            RecordBook.placed = placed  # type: ignore[method-assign]  # as it was
        self.box.cut()

    def finish(self) -> None:
        """Let the link be good until everything has arrived."""
        for _ in range(100):
            self.box.handing.hand_over()
            if not self.box.waiting():
                break
            self._carry(1)
        assert self.box.book.in_state(State.KEPT) == self.box.book.in_state(State.IN_OUTBOX) == ()

    def check(self) -> None:
        for newest in self.box.book.listed(limit=200):
            mine = self.box.book.versions(newest.record)
            with self.register.reading() as unit:
                theirs = record_versions(unit, newest.record)
            assert [(item.payload, item.withdrawn) for item in theirs] == [
                (item.payload, item.withdrawn) for item in mine
            ]
            assert [item.newest for item in theirs] == [False] * (len(theirs) - 1) + [True]
            assert {entry.state for entry in mine} == {State.DELIVERED}

    def close(self) -> None:
        self.box.close()
        self.register.close()


def test_a_form_that_nobody_finishes_is_forgotten_once_the_time_is_known(box: Box) -> None:
    desk = open_desk(box.folder / "other", box.outbox, box.clock, lambda: None)
    desk.roster.keep_draft(Draft("t", "attendance", {"pairs": []}), NOW_MS - (DRAFT_DAYS + 1) * DAY_MS)
    desk.tidy()
    assert len(desk.roster.drafts()) == 1, "nobody knows how old it is"
    box.outbox.set_anchor(Anchor(box.clock.mono_ms(), NOW_MS, 10, "server"))
    desk.tidy()
    assert desk.roster.drafts() == ()
    desk.close()
