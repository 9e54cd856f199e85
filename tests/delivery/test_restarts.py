"""Processes end at the worst moment, and files are lost or come back from the past."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from delivery.world import World


def test_an_agent_killed_between_the_commit_and_the_sending_sends_later(world: World) -> None:
    world.run(10)
    for _ in range(5):
        world.record()
        world.restart_agent()
        world.record()
        world.connect()
        world.up.clear()
    world.run(80)
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000


def test_lost_answers_double_nothing(world: World) -> None:
    world.offline_for(1)
    world.connect()
    for _ in range(20):
        world.step()
        world.loss = 1.0 if world.sent % 2 else 0.0
    world.loss = 0.0
    world.run(400)
    world.check_all_arrived()


def test_a_lost_hello_is_asked_for_again(world: World) -> None:
    world.offline_for(1)
    world.loss = 1.0
    world.run(10)
    world.loss = 0.0
    world.run(30)
    world.check_all_arrived()


def test_a_collector_that_starts_again_goes_on(world: World) -> None:
    world.offline_for(2)
    for _ in range(4):
        world.record()
        world.run(5)
        world.restart_collector()
    world.run(120)
    world.check_all_arrived()


def test_what_a_lost_journal_took_with_it_is_lost_and_not_expected_for_ever(world: World) -> None:
    world.offline_for(1)
    world.run()
    given = world.outbox.bounds()[1]
    world.restart_collector(journal=False)
    for _ in range(3):
        world.record()
        world.run(80)
    record = world.coverage()
    assert (record.lost_rows, record.open_rows) == (given, 0)
    assert record.contiguous_seq == record.last_seq == given + 3


def test_a_journal_lost_while_the_agent_was_away_is_the_same(world: World) -> None:
    world.offline_for(1)
    world.run()
    given = world.outbox.bounds()[1]
    world.disconnect()
    world.restart_collector(journal=False)
    world.offline_for(1)
    world.run()
    record = world.coverage()
    assert (record.lost_rows, record.open_rows, record.last_seq) == (given, 0, given + 24)


def test_an_outbox_from_an_old_copy_overwrites_and_doubles_nothing(world: World) -> None:
    world.offline_for(1)
    world.run()
    world.offline_for(1)
    world.kill_agent()
    shutil.copytree(world.folder / "agent", world.folder / "copy")
    world.start_agent()
    world.run()
    world.offline_for(2)
    world.run()
    world.kill_agent()
    old = world.outbox.epoch
    shutil.rmtree(world.folder / "agent")
    shutil.copytree(world.folder / "copy", world.folder / "agent")
    world.boot()
    world.record()
    world.run()
    assert world.outbox.epoch != old
    world.check_all_arrived()
    assert world.off_by_ms() <= 2_000
    assert world.coverage(old).open_rows == world.coverage(old).lost_rows == 0


def test_a_card_in_another_machine_begins_an_epoch_of_its_own(world: World) -> None:
    world.offline_for(1)
    world.kill_agent()
    world.hardware = "other"
    first = set(world.expected)
    world.boot()
    world.record()
    world.run()
    assert world.serials() == sorted(set(world.expected) - first)
    assert world.quarantined() == []


def test_a_broker_that_comes_and_goes_costs_nothing(world: World) -> None:
    for _ in range(10):
        world.record()
        world.run(1)
        world.disconnect()
        world.clock.advance(20_000)
    world.run(80)
    world.check_all_arrived()


def test_a_restored_copy_that_grew_longer_than_the_original_overwrites_nothing(world: World) -> None:
    world.record()
    world.run(10)
    world.kill_agent()
    shutil.copytree(world.folder / "agent", world.folder / "copy")
    world.start_agent()
    for _ in range(3):
        world.record()
        world.run(70)
    before = world.serials()
    given = world.outbox.bounds()[1]
    world.kill_agent()
    shutil.rmtree(world.folder / "agent")
    shutil.copytree(world.folder / "copy", world.folder / "agent")
    world.boot()
    world.offline_for(1)
    world.run(100)
    letters = world.outbox.dead_letters()
    assert {letter.reason for letter in letters} == {"conflict"}
    assert max(letter.row.seq for letter in letters) == given
    aside = [letter.row.fields["uptime_seconds"] for letter in letters if letter.row.measurement == "host"]
    assert world.serials() == sorted({*world.expected} - {*aside})
    assert world.serials()[: len(before)] == before
    assert world.outbox.stats().rows == 0
