"""When a command is sent, how often, and that of several collectors one sends it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from aldea.collector.commanding.sender import CommandSender
from aldea.model.clock import ManualClock
from aldea.model.messages import parse_command
from aldea.model.topics import Topic
from aldea.storage.register import Register, open_register
from aldea.storage.register.command_sending import AGAIN_MS, UNDER_WAY_MS
from aldea.storage.register.commands import CommandState, cancel_command, find_command, note_answer, queue_command
from aldea.storage.register.status import Presence, StatusUpdate, upsert_status

HOUR = 3_600_000


@dataclass
class Post:
    """A link that remembers."""

    connected: bool = True
    room: bool = True
    sent: list[tuple[str, str]] = field(default_factory=list)

    def command(self, topic: Topic, payload: bytes) -> bool:
        if self.room:
            self.sent.append((str(topic), parse_command(payload).id))
        return self.room


class Office:
    """A sender on a register."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.clock = ManualClock()
        self.post = Post()
        self.sender = CommandSender(register, self.post, self.clock)
        self._connection = 0

    def ask(self, command_id: str = "one", site: str = "norte-01") -> None:
        now = self.clock.wall_ms()
        with self.register.transaction() as unit:
            queue_command(unit, site, "agent", "test", {"probe": "ping"}, now, now + 24 * HOUR, id=command_id)

    def birth(self, site: str = "norte-01", ahead_ms: int = 0) -> None:
        """A birth is taken, by a collector whose clock is so far ahead."""
        self._connection += 1
        self._presence(site, Presence.ONLINE, ahead_ms)

    def lost(self, site: str = "norte-01") -> None:
        self._presence(site, Presence.OFFLINE)

    def batch(self, site: str = "norte-01") -> None:
        with self.register.transaction() as unit:
            upsert_status(unit, [StatusUpdate(site, "agent", arrival_ms=self.clock.wall_ms())])

    def answers(self, state: str, command_id: str = "one") -> None:
        with self.register.transaction() as unit:
            note_answer(unit, "norte-01", "agent", command_id, state, {}, self.clock.wall_ms())

    def sends(self, after_ms: int = 1_000) -> list[str]:
        """Let time pass and the sender look; return what it sent."""
        self.clock.advance(after_ms)
        before = len(self.post.sent)
        while self.sender.step():
            pass
        return [command_id for _, command_id in self.post.sent[before:]]

    def state(self, command_id: str = "one") -> str:
        with self.register.reading() as unit:
            found = find_command(unit, command_id)
        assert found is not None
        return found.state.value

    def _presence(self, site: str, presence: Presence, ahead_ms: int = 0) -> None:
        at = self.clock.wall_ms() + ahead_ms
        update = StatusUpdate(
            site,
            "agent",
            arrival_ms=at if presence is Presence.ONLINE else None,
            presence=presence,
            presence_ms=at,
            connection=self._connection,
        )
        with self.register.transaction() as unit:
            upsert_status(unit, [update])


@pytest.fixture
def office(register: Register) -> Office:
    return Office(register)


def test_a_command_waits_until_its_device_is_heard_and_is_then_sent_once(office: Office) -> None:
    office.ask()
    assert office.sends() == []
    office.birth()
    assert office.sends() == ["one"]
    assert office.post.sent == [("aldea/1/norte-01/agent/cmd", "one")]
    assert office.state() == "sent"
    assert [office.sends(60_000) for _ in range(8)] == [[]] * 8


def test_a_device_that_is_connected_gets_it_at_once_and_one_that_was_lost_when_a_batch_comes(office: Office) -> None:
    office.birth()
    office.ask("first")
    assert office.sends() == ["first"]
    office.lost()
    office.clock.advance(1_000)
    office.ask("second")
    assert office.sends() == []
    office.batch()
    assert office.sends() == ["second"]


def test_it_is_sent_again_after_each_birth_and_every_ten_minutes_until_it_is_answered(office: Office) -> None:
    office.birth()
    office.ask()
    assert office.sends() == ["one"]
    office.clock.advance(1_000)
    office.birth()
    assert office.sends() == ["one"]
    assert office.sends(AGAIN_MS) == ["one"]
    office.answers("accepted")
    assert office.sends(2 * AGAIN_MS) == []
    office.birth()
    assert office.sends() == ["one"]
    office.answers("done")
    office.birth()
    assert office.sends(2 * AGAIN_MS) == []


def test_a_birth_by_a_clock_that_was_ahead_is_answered_once_and_not_each_second(office: Office) -> None:
    office.birth(ahead_ms=HOUR)
    office.ask()
    assert [office.sends() for _ in range(20)] == [["one"]] + [[]] * 19
    office.answers("running")
    assert [office.sends() for _ in range(20)] == [[]] * 20
    office.clock.advance(HOUR)
    office.birth()
    assert office.sends() == ["one"]


def test_what_is_lost_after_a_birth_by_a_clock_that_was_years_ahead_is_sent_again_as_ever(office: Office) -> None:
    """The time of the birth is never waited for: ten minutes are ten minutes of now, and a birth of now is one."""
    office.birth(ahead_ms=365 * 24 * HOUR)
    office.ask()
    office.ask("other")
    assert office.sends() == ["one", "other"]
    assert [office.sends(60_000) for _ in range(9)] == [[]] * 9
    assert office.sends(60_000) == ["one", "other"]
    office.answers("running")
    office.answers("done", "other")
    office.clock.advance(1_000)
    office.birth()
    assert office.sends() == ["one"], "it repeats its answer"
    assert office.sends(2 * AGAIN_MS) == []


def test_what_was_sent_by_a_clock_that_was_ahead_and_was_put_back_is_sent_again_once(office: Office) -> None:
    office.birth()
    office.ask()
    assert office.sends() == ["one"]
    office.clock.step_wall(-2 * HOUR)
    assert [office.sends() for _ in range(20)] == [["one"]] + [[]] * 19


def test_a_silent_device_is_not_written_to_again(office: Office) -> None:
    office.birth()
    office.ask()
    assert office.sends() == ["one"]
    office.lost()
    assert office.sends(3 * AGAIN_MS) == []


def test_what_is_over_or_cancelled_is_never_sent(office: Office) -> None:
    office.ask("late")
    office.ask("unwanted")
    with office.register.transaction() as unit:
        cancel_command(unit, "unwanted", office.clock.wall_ms())
    assert office.sends(25 * HOUR) == []
    assert (office.state("late"), office.state("unwanted")) == ("expired", "cancelled")
    office.birth()
    assert office.sends() == []


def test_what_the_device_has_taken_up_is_waited_for_beyond_its_time_but_not_for_ever(office: Office) -> None:
    office.birth()
    office.ask()
    office.sends()
    office.answers("running")
    office.sends(25 * HOUR)
    assert office.state() == "running"
    office.sends(UNDER_WAY_MS)
    assert office.state() == "expired"
    office.answers("done")
    assert office.state() == "done"


def test_without_a_broker_nothing_is_claimed_and_without_room_it_is_sent_later(office: Office) -> None:
    office.birth()
    office.ask()
    office.post.connected = False
    assert office.sends() == []
    assert office.state() == "waiting"
    office.post.connected, office.post.room = True, False
    assert office.sends() == []
    office.post.room = True
    assert office.sends(AGAIN_MS) == ["one"]


def test_a_collector_that_starts_again_goes_on_where_the_register_stands(office: Office) -> None:
    office.ask()
    office.birth()
    office.sender = CommandSender(office.register, office.post, office.clock)
    assert office.sends() == ["one"]
    office.sender = CommandSender(office.register, office.post, office.clock)
    assert office.sends() == []


def test_of_two_collectors_at_once_one_sends(office: Office, tmp_path: Path) -> None:
    office.birth()
    for number in range(30):
        office.ask(str(number))
    url = str(office.register)
    posts = [Post(), Post()]
    registers = [open_register(url) for _ in posts]
    gate = threading.Barrier(len(posts))

    def work(register: Register, post: Post) -> None:
        gate.wait()
        CommandSender(register, post, office.clock).step()

    threads = [threading.Thread(target=work, args=pair) for pair in zip(registers, posts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for register in registers:
        register.close()
    sent = [command_id for post in posts for _, command_id in post.sent]
    assert sorted(sent, key=int) == [str(number) for number in range(30)]


def test_with_nothing_under_way_nothing_is_written(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.birth()
    office.ask()
    office.sends()
    office.answers("done")

    def refuse() -> None:
        raise AssertionError("a transaction was begun for nothing")

    monkeypatch.setattr(office.register, "transaction", refuse)
    assert office.sends() == []
    assert office.state() == CommandState.DONE
