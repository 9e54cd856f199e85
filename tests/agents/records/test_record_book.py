"""What the box keeps of its records: gapless versions, and how long each of them stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agentkit.record_box import DAY_MS, NOW_MS, Box, entry_of
from aldea.agents.records import NewEntry, RecordRefused, State, open_desk
from aldea.agents.records.handing import KEPT_DAYS
from aldea.agents.records.roster import DRAFT_DAYS, Draft
from aldea.model.wire import Anchor


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


def test_a_form_that_nobody_finishes_is_forgotten_once_the_time_is_known(box: Box) -> None:
    desk = open_desk(box.folder / "other", box.outbox, box.clock, lambda: None)
    desk.roster.keep_draft(Draft("t", "attendance", {"pairs": []}), NOW_MS - (DRAFT_DAYS + 1) * DAY_MS)
    desk.tidy()
    assert len(desk.roster.drafts()) == 1, "nobody knows how old it is"
    box.outbox.set_anchor(Anchor(box.clock.mono_ms(), NOW_MS, 10, "server"))
    desk.tidy()
    assert desk.roster.drafts() == ()
    desk.close()
