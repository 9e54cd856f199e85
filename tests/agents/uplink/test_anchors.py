"""docs/delivery.md from the agent's side: the time that a boot's rows are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentkit.making import OTHER_BOOT, SERVER_AHEAD_MS, make_outbox
from agentkit.talking import Story, headers
from aldea.model.clock import ClockState
from aldea.model.wire import Anchor

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.agents.outbox import Outbox


def test_the_servers_time_becomes_the_anchor_with_half_the_round_trip_as_its_error(outbox: Outbox) -> None:
    story = Story(outbox)
    (header,) = headers(story.connect())
    assert header.anchor == Anchor(50_100, 50_100 + SERVER_AHEAD_MS, 100, "server")
    assert outbox.boot.anchor == header.anchor


def test_on_learning_its_first_anchor_it_sends_at_once_an_empty_batch_if_it_has_no_rows(outbox: Outbox) -> None:
    story = Story(outbox)
    story.connect(hello=False)
    story.clock.advance(5_000)  # too long a round trip for an anchor
    (first,) = headers(story.ack(echo=story.birth().mono_ms))
    assert first.anchor is None
    story.clock.advance(300)
    (now,) = headers(story.ack((1, 1), echo=first.sent_mono_ms))
    assert now.rows == 0
    assert now.anchor is not None
    assert now.anchor.source == "server"


@pytest.mark.parametrize("echo", [None, 49_999, 50_300])
def test_an_echo_of_what_this_boot_did_not_send_gives_no_anchor(outbox: Outbox, echo: int | None) -> None:
    story = Story(outbox)
    story.connect(hello=False)
    story.clock.advance(200)
    story.ack(echo=echo)
    assert outbox.boot.anchor is None


def test_a_synchronised_clock_gives_the_anchor_that_the_birth_carries(outbox: Outbox) -> None:
    story = Story(outbox)
    story.state = ClockState.NTP
    story.connect(hello=False)
    anchor = story.birth().anchor
    assert anchor is not None
    assert (anchor.source, anchor.offset_ms) == ("ntp", story.clock.wall_ms() - story.clock.mono_ms())


def test_a_synchronised_clock_more_than_ten_minutes_off_the_server_is_not_believed(outbox: Outbox) -> None:
    story = Story(outbox)
    story.state = ClockState.NTP
    story.connect()
    assert headers(story.out)[-1].anchor == Anchor(50_100, 50_100 + SERVER_AHEAD_MS, 100, "server")


def test_a_synchronised_clock_near_the_servers_is_kept(outbox: Outbox) -> None:
    story = Story(outbox)
    story.clock.step_wall(SERVER_AHEAD_MS + 50_000 - story.clock.wall_ms() + 300_000)
    story.state = ClockState.NTP
    story.connect()
    anchor = headers(story.out)[-1].anchor
    assert anchor is not None
    assert anchor.source == "ntp"


def test_an_anchor_stays_while_it_holds_and_is_replaced_when_the_clock_was_set(outbox: Outbox) -> None:
    story = Story(outbox)
    story.clock.step_wall(SERVER_AHEAD_MS + 50_000 - story.clock.wall_ms())
    story.state = ClockState.NTP
    story.connect()
    first = outbox.boot.anchor
    story.clock.step_wall(1_500)
    story.wait(10_000)
    assert outbox.boot.anchor == first
    story.clock.step_wall(60_000)
    story.wait(10_000)
    assert outbox.boot.anchor != first


def test_rows_of_an_earlier_boot_travel_with_their_own_boot_and_anchor(tmp_path: Path) -> None:
    before = make_outbox(tmp_path)
    anchor = Anchor(2_000, SERVER_AHEAD_MS - 3_600_000, 10, "ntp")
    before.set_anchor(anchor)
    before.close()
    outbox = make_outbox(tmp_path, boot=OTHER_BOOT)
    story = Story(outbox)
    story.connect()
    sent = {header.boot_no: header for header in headers(story.out)}
    assert sent[1].anchor == anchor
    assert sent[2].boot_id == OTHER_BOOT
    assert sent[2].anchor != anchor
    assert sent[1].sent_mono_ms == sent[2].sent_mono_ms
    outbox.close()
