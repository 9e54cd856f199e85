"""The register follows the journal: events, live status and streams, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aldea.storage.register.devices import find_device
from aldea.storage.register.feed import FeedEvent, read_feed
from aldea.storage.register.status import Presence, SiteStatus, find_status
from aldea.storage.register.streams import Stream, streams_of
from collectorkit.desk import NAME, Desk, advance_only_boots, run
from collectorkit.sender import ping, row

if TYPE_CHECKING:
    from aldea.storage.register import Register


def _feed(register: Register) -> tuple[FeedEvent, ...]:
    with register.reading() as unit:
        return read_feed(unit, NAME, 0, 1000)


def _status(register: Register, site: str = "norte-01") -> SiteStatus:
    with register.reading() as unit:
        (status,) = find_status(unit, site)
    return status


def _stream(register: Register) -> Stream:
    with register.reading() as unit:
        (stream,) = streams_of(unit, "norte-01")
    return stream


def test_one_event_a_batch_with_what_it_needs_to_judge_a_site(desk: Desk, register: Register) -> None:
    rows = [ping(1), ping(2, received=0, failure="no_reply"), row(3, "host", {"load1": 0.5})]
    desk.send(desk.norte.birth(3), desk.norte.message(desk.norte.payload(rows)), desk.sur.batch(1, 2))
    run(desk.feed_follower(register))
    birth, batch, other = _feed(register)
    start = desk.clock.wall_ms() - desk.clock.mono_ms()
    assert (birth.kind, birth.position, birth.summary["state"]) == ("presence", 1, "online")
    assert (batch.kind, batch.site, batch.lane, batch.rows) == ("batch", "norte-01", "live", 3)
    assert (batch.epoch, batch.first_seq, batch.last_seq) == (desk.norte.epoch, 1, 3)
    assert (batch.event_from_ms, batch.event_to_ms) == (start + 100, start + 300)
    assert batch.arrival_ms == desk.clock.wall_ms()
    assert batch.summary["ping"] == {"gateway": [6, 3]}
    assert batch.summary["series"] == [
        ["ping", {"role": "gateway", "target": "gateway"}, 2, 1],
        ["host", {}, 1, 0],
    ]
    assert other.site == "sur-02"


def test_an_event_of_a_boot_without_time_says_so(desk: Desk, register: Register) -> None:
    desk.send(desk.norte.but(anchored=False).batch(1, 2))
    run(desk.feed_follower(register))
    (event,) = _feed(register)
    assert (event.event_from_ms, event.event_to_ms) == (None, None)
    assert _status(register).last_event_ms is None
    assert _status(register).latest == {}


def test_a_crash_between_the_registers_commit_and_the_cursor_repeats_nothing(
    desk: Desk, register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.send(desk.norte.birth(0), desk.norte.batch(1, 2), desk.norte.batch(3, 4))
    with monkeypatch.context() as broken:
        broken.setattr(desk.cursors, "advance", advance_only_boots(desk))
        with pytest.raises(OSError, match="killed"):
            run(desk.feed_follower(register))
    first = _feed(register)
    again = Desk(desk.folder, desk.clock)
    run(again.feed_follower(register))
    assert _feed(register) == first
    assert len(first) == 3
    again.close()


def test_live_status_has_the_newest_row_of_each_series_whichever_batch_it_came_in(
    desk: Desk, register: Register
) -> None:
    norte = desk.norte
    hourly = norte.message(norte.payload([row(1, "host", {"temperature_celsius": 31.5}), ping(2)]))
    desk.send(norte.birth(5), hourly, norte.batch(3, 4), norte.batch(5, 6), norte.will())
    run(desk.feed_follower(register))
    status = _status(register)
    start = desk.clock.wall_ms() - desk.clock.mono_ms()
    assert status.latest["host"].fields == {"temperature_celsius": 31.5}
    assert status.latest["ping|role=gateway|target=gateway"].event_ms == start + 600
    assert status.last_event_ms == start + 600
    assert (status.last_arrival_ms, status.interval_seconds) == (desk.clock.wall_ms(), 300)
    assert (status.agent_version, status.boot_id) == ("0.1.0", norte.boot_id)
    assert status.presence is Presence.OFFLINE


def test_the_registers_streams_are_the_collectors_even_when_a_change_left_no_entry(
    desk: Desk, register: Register
) -> None:
    follower = desk.feed_follower(register)
    desk.send(desk.norte.birth(6), desk.norte.batch(1, 3))
    run(follower)
    start = desk.clock.wall_ms() - desk.clock.mono_ms()
    assert (_stream(register).stored_rows, _stream(register).open_rows) == (3, 3)
    assert (_stream(register).contiguous_seq, _stream(register).contiguous_event_ms) == (3, start + 300)
    desk.clock.advance(1)
    desk.send(desk.norte.message(desk.norte.payload([ping(seq, sent=-1) for seq in (4, 5, 6)])))
    run(follower)
    found = _stream(register)
    assert (found.stored_rows, found.explained_rows, found.open_rows, found.contiguous_seq) == (3, 3, 0, 6)


def test_a_stream_that_changes_while_it_is_passed_on_is_passed_on_again(desk: Desk, register: Register) -> None:
    desk.send(desk.norte.batch(1, 3))
    follower = desk.feed_follower(register)
    real = follower._coverage.passed_on

    def meanwhile(records: object) -> None:
        follower._coverage.passed_on = real  # type: ignore[method-assign]  # once
        desk.clock.advance(1)
        desk.send(desk.norte.message(desk.norte.payload([ping(4, sent=-1)])))
        real(records)  # type: ignore[arg-type]  # as they came

    follower._coverage.passed_on = meanwhile  # type: ignore[method-assign]  # a commit at the worst moment
    run(follower)
    assert _stream(register).explained_rows == 1


def test_the_will_of_an_older_connection_is_ignored(desk: Desk, register: Register) -> None:
    old, new = desk.norte.but(connection=1), desk.norte.but(connection=2)
    # Mosquitto says the will of a session that is taken over before the birth that follows it, or long after.
    desk.send(old.birth(0))
    desk.send(old.will(), new.birth(0), old.will())
    run(desk.feed_follower(register))
    assert [event.summary["state"] for event in _feed(register)] == ["online", "offline", "online"]
    assert (_status(register).presence, _status(register).connection) == (Presence.ONLINE, 2)
    desk.send(new.will())
    run(desk.feed_follower(register))
    assert _status(register).presence is Presence.OFFLINE


def test_a_retained_birth_is_state_and_not_an_event(desk: Desk, register: Register) -> None:
    norte = desk.norte
    desk.send(norte.birth(3))
    desk.send(norte.birth(3, retained=True), norte.birth(3, retained=True))
    desk.send(norte.will())
    desk.send(norte.birth(3, retained=True))
    run(desk.feed_follower(register))
    assert [event.summary["state"] for event in _feed(register)] == ["online", "offline"]


def test_a_retained_birth_of_a_connection_that_was_missed_is_news(desk: Desk, register: Register) -> None:
    desk.send(desk.norte.birth(3))
    desk.send(desk.norte.but(connection=5).birth(9, retained=True))
    run(desk.feed_follower(register))
    assert [event.summary["connection"] for event in _feed(register)] == [1, 5]
    assert desk.record().last_seq == 9


def test_an_outbox_begun_anew_counts_its_connections_from_one(desk: Desk, register: Register) -> None:
    desk.send(desk.norte.but(connection=40).birth(3))
    anew = desk.norte.but(connection=1, epoch="dddddddddddddddd")
    desk.clock.advance(1000)
    desk.send(anew.birth(0))
    run(desk.feed_follower(register))
    assert (_status(register).presence, _status(register).connection) == (Presence.ONLINE, 1)
    desk.send(anew.will())
    run(desk.feed_follower(register))
    assert _status(register).presence is Presence.OFFLINE


def test_a_birth_said_again_tells_what_its_outbox_holds_now(desk: Desk) -> None:
    desk.send(desk.norte.birth(3))
    desk.send(desk.norte.birth(8))
    assert desk.record().last_seq == 8
    desk.send(desk.norte.birth(3, retained=True))
    assert desk.record().last_seq == 8


def test_what_a_box_can_see_is_kept_from_its_birth(desk: Desk, register: Register) -> None:
    with register.reading() as unit:
        before = find_device(unit, "norte-01", "agent")
    assert before is not None
    assert before.sees == {}
    desk.send(desk.norte.birth(0, sees={"wan_bytes": True, "clients": False, "power": False}))
    run(desk.feed_follower(register))
    with register.reading() as unit:
        after = find_device(unit, "norte-01", "agent")
    assert after is not None
    assert after.sees == {"wan_bytes": True, "clients": False, "power": False}
