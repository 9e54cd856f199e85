"""The inbox: each command once, answers that are repeated, what a stop leaves, two lanes, and bounds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aldea.agents.operating.answers import answer_text
from aldea.agents.operating.handler import Outcome, State, Tell
from aldea.agents.operating.inbox import REPEAT_AFTER_MS, WAITING_MOST, CommandInbox
from aldea.agents.operating.kept import KEPT_MOST, NAME, KeptCommands
from aldea.agents.outbox import OutboxUnavailable
from aldea.model.clock import ManualClock
from aldea.model.messages import Command
from aldea.model.sample import Reading

FOREVER = 2**50


@dataclass
class Scripted:
    """A handler that does what the test says, once it is let go."""

    kind: str = "test"
    quick: bool = False
    resumes: bool = False
    outcome: Outcome = field(default_factory=lambda: Outcome(State.DONE, {"found": 1}))
    steps: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.begun: list[str] = []

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        self.begun.append(command.id)
        for step in self.steps:
            await tell(State.RUNNING, step)
        await self.go.wait()
        if command.payload.get("crash"):
            raise RuntimeError("a fault in the handler")
        return self.outcome


async def eventually(is_true: Callable[[], bool]) -> None:
    """Wait until something holds that another task is about to do."""
    async with asyncio.timeout(5):
        while not is_true():  # noqa: ASYNC110 - what is waited for is a list that grows
            await asyncio.sleep(0.005)


class Box:
    """An inbox on a folder, with what it has said."""

    def __init__(self, folder: Path, *handlers: Scripted, now_ms: int | None = None) -> None:
        self.clock = ManualClock()
        self.said: list[tuple[str, str, dict[str, Any]]] = []
        self.inbox = CommandInbox(folder, handlers, self.append, self.clock, lambda: now_ms)
        self._task = asyncio.create_task(self.inbox.run())

    async def append(self, reading: Reading) -> None:
        fields = reading.fields
        self.said.append((str(fields["command"]), str(fields["state"]), json.loads(str(fields["detail"]))))

    @property
    def words(self) -> list[tuple[str, str]]:
        """What was said of which command."""
        return [(command, state) for command, state, _ in self.said]

    async def hears(self, *states: tuple[str, str]) -> None:
        """Wait until exactly this has been said."""
        await eventually(lambda: len(self.said) >= len(states))
        await asyncio.sleep(0.02)
        assert self.words == list(states)

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


def command(number: str = "one", kind: str = "test", expires_ms: int = FOREVER, **payload: Any) -> Command:
    return Command(number, kind, payload, expires_ms)


def story(tell: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(tell())


def test_a_command_is_carried_out_and_says_so(tmp_path: Path) -> None:
    async def tell() -> None:
        box = Box(tmp_path, Scripted(steps=({"share": 0.5},)))
        box.inbox.take(command())
        await box.hears(("one", "running"), ("one", "running"), ("one", "done"))
        assert box.said[-1][2] == {"found": 1}
        await box.stop()

    story(tell)


def test_the_same_id_twice_is_carried_out_once_and_its_answer_repeated_when_asked_later(tmp_path: Path) -> None:
    async def tell() -> None:
        handler = Scripted(quick=True)
        box = Box(tmp_path, handler)
        for _ in range(3):
            box.inbox.take(command())
        await box.hears(("one", "done"))
        box.clock.advance(REPEAT_AFTER_MS)
        box.inbox.take(command())
        await box.hears(("one", "done"), ("one", "done"))
        assert box.said[0] == box.said[1]
        await box.stop()
        again = Box(tmp_path, handler)
        again.inbox.take(command())
        await again.hears(("one", "done"))
        assert handler.begun == ["one"]
        await again.stop()

    story(tell)


def test_a_command_that_the_power_cut_off_is_said_to_have_failed(tmp_path: Path) -> None:
    async def tell() -> None:
        handler = Scripted()
        handler.go.clear()
        box = Box(tmp_path, handler)
        box.inbox.take(command())
        await box.hears(("one", "running"))
        await box.stop()
        again = Box(tmp_path, handler)
        await again.hears(("one", "failed"))
        assert "ask for it again" in again.said[0][2]["sentence"]
        assert handler.begun == ["one"]
        await again.stop()

    story(tell)


def test_one_whose_handler_resumes_goes_on_and_one_that_only_waited_begins(tmp_path: Path) -> None:
    async def tell() -> None:
        handler = Scripted(kind="upgrade", resumes=True)
        handler.go.clear()
        box = Box(tmp_path, handler)
        box.inbox.take(command("one", "upgrade", version="2"))
        await box.hears(("one", "running"))
        box.inbox.take(command("two", "upgrade", version="3"))
        await box.hears(("one", "running"), ("two", "accepted"))
        await box.stop()
        handler.go.set()
        again = Box(tmp_path, handler)
        await again.hears(("one", "running"), ("one", "done"), ("two", "running"), ("two", "done"))
        assert handler.begun == ["one", "one", "two"]
        await again.stop()

    story(tell)


def test_what_may_take_days_keeps_no_test_waiting(tmp_path: Path) -> None:
    async def tell() -> None:
        upgrade, test = Scripted(kind="upgrade", resumes=True), Scripted(kind="test")
        upgrade.go.clear()
        box = Box(tmp_path, upgrade, test)
        box.inbox.take(command("one", "upgrade"))
        await box.hears(("one", "running"))
        box.inbox.take(command("two", "test"))
        await box.hears(("one", "running"), ("two", "running"), ("two", "done"))
        await box.stop()

    story(tell)


def test_quick_commands_do_not_wait_behind_a_long_one(tmp_path: Path) -> None:
    async def tell() -> None:
        long, quick = Scripted(kind="test"), Scripted(kind="diagnostics", quick=True)
        long.go.clear()
        box = Box(tmp_path, long, quick)
        box.inbox.take(command("one", "test"))
        await box.hears(("one", "running"))
        box.inbox.take(command("two", "test"))
        box.inbox.take(command("three", "diagnostics"))
        await box.hears(("one", "running"), ("two", "accepted"), ("three", "done"))
        assert long.begun == ["one"]
        long.go.set()
        await box.hears(
            ("one", "running"),
            ("two", "accepted"),
            ("three", "done"),
            ("one", "done"),
            ("two", "running"),
            ("two", "done"),
        )
        await box.stop()

    story(tell)


def test_before_a_start_with_other_settings_a_test_ends_and_is_answered_and_what_waits_stays(tmp_path: Path) -> None:
    async def tell() -> None:
        test, long = Scripted(), Scripted("upgrade", resumes=True)
        test.go.clear()
        long.go.clear()
        box = Box(tmp_path, test, long)
        for one in (command("one"), command("two"), command("slow", "upgrade")):
            box.inbox.take(one)
        await eventually(lambda: bool(test.begun and long.begun) and ("two", "accepted") in box.words)
        settled = asyncio.create_task(box.inbox.settle(60))
        await asyncio.sleep(0.02)
        assert not settled.done()
        test.go.set()
        await settled
        assert ("one", "done") in box.words
        assert test.begun == ["one"], "nothing new begins"
        await box.stop()

        again = Scripted()
        after = Box(tmp_path, again, Scripted("upgrade", resumes=True))
        await eventually(lambda: ("two", "done") in after.words)
        assert again.begun == ["two"]
        await after.stop()

    story(tell)


def test_a_test_that_does_not_end_keeps_no_settings_waiting(tmp_path: Path) -> None:
    async def tell() -> None:
        test = Scripted()
        test.go.clear()
        box = Box(tmp_path, test)
        box.inbox.take(command())
        await eventually(lambda: bool(test.begun))
        await box.inbox.settle(0.01)
        await box.stop()
        after = Box(tmp_path, Scripted())
        await eventually(lambda: ("one", "failed") in after.words)
        await after.stop()

    story(tell)


@pytest.mark.parametrize(("now_ms", "state"), [(999, "done"), (1_000, "expired"), (None, "done")])
def test_what_came_too_late_is_left_and_without_a_time_nothing_is_too_late(
    tmp_path: Path, now_ms: int | None, state: str
) -> None:
    async def tell() -> None:
        box = Box(tmp_path, Scripted(quick=True), now_ms=now_ms)
        box.inbox.take(command(expires_ms=1_000))
        await box.hears(("one", state))
        await box.stop()

    story(tell)


def test_an_unknown_kind_and_a_fault_are_answered_and_the_next_command_is_done(tmp_path: Path) -> None:
    async def tell() -> None:
        box = Box(tmp_path, Scripted(quick=True))
        box.inbox.take(command("one", "dance"))
        box.inbox.take(command("two", crash=True))
        box.inbox.take(command("three"))
        await box.hears(("one", "failed"), ("two", "failed"), ("three", "done"))
        assert "it knows test" in box.said[0][2]["sentence"]
        assert "RuntimeError" in box.said[1][2]["sentence"]
        await box.stop()

    story(tell)


def test_what_waits_is_bounded_and_what_found_no_room_is_taken_when_it_comes_again(tmp_path: Path) -> None:
    async def tell() -> None:
        handler = Scripted()
        handler.go.clear()
        box = Box(tmp_path, handler)
        numbers = [str(number) for number in range(WAITING_MOST + 2)]
        for number in numbers:
            box.inbox.take(command(number))
        await eventually(lambda: len(box.said) >= WAITING_MOST + 1)
        assert numbers[-1] not in {number for number, _, _ in box.said}
        handler.go.set()
        await eventually(lambda: sum(state == "done" for _, state, _ in box.said) == WAITING_MOST + 1)
        box.inbox.take(command(numbers[-1]))
        await eventually(lambda: box.said[-1][:2] == (numbers[-1], "done"))
        await box.stop()

    story(tell)


def test_a_damaged_memory_is_begun_anew(tmp_path: Path) -> None:
    async def tell() -> None:
        (tmp_path / NAME).write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
        box = Box(tmp_path, Scripted(quick=True))
        box.inbox.take(command())
        await box.hears(("one", "done"))
        await box.stop()

    story(tell)


def test_a_damage_that_shows_only_behind_the_schema_is_begun_anew_too(tmp_path: Path) -> None:
    async def tell() -> None:
        kept = KeptCommands(tmp_path)
        for number in range(50):
            kept.add(command(f"old-{number}", text="x" * 500), Outcome(State.ACCEPTED))
        content = bytearray((tmp_path / NAME).read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        (tmp_path / NAME).write_bytes(content)
        box = Box(tmp_path, Scripted(quick=True))
        box.inbox.take(command())
        await box.hears(("one", "done"))
        await box.stop()

    story(tell)


def test_a_full_disk_keeps_no_command_from_its_turn_nor_its_end_from_being_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aldea.agents.operating.inbox._DISK_PAUSE_SECONDS", 0.01)

    async def tell() -> None:
        handler = Scripted()
        handler.go.clear()
        box = Box(tmp_path, handler)
        box.inbox.take(command("first"))
        await eventually(lambda: handler.begun == ["first"])
        take_word, refusals = box.append, 6

        async def full(reading: Reading) -> None:
            nonlocal refusals
            if refusals:
                refusals -= 1
                raise OutboxUnavailable("the disk is full")
            await take_word(reading)

        box.inbox._append = full
        box.inbox.take(command("second"))
        await eventually(lambda: refusals < 6)
        handler.go.set()
        await eventually(lambda: ("second", "done") in [(name, state) for name, state, _ in box.said])
        assert handler.begun == ["first", "second"]
        ends = [name for name, state, _ in box.said if state == "done"]
        assert ends == ["first", "second"]
        await box.stop()

    story(tell)


def test_what_is_remembered_is_bounded_and_payloads_of_what_is_over_are_gone(tmp_path: Path) -> None:
    kept = KeptCommands(tmp_path)
    kept.add(command("open", secret="s3cr3t-open"), Outcome(State.ACCEPTED))
    for number in range(KEPT_MOST + 20):
        kept.add(command(str(number), secret="s3cr3t-over"), Outcome(State.ACCEPTED))
        kept.note(str(number), Outcome(State.DONE))
    kept.add(command("last"), Outcome(State.EXPIRED))
    assert [item.command.id for item in kept.unfinished()] == ["open"]
    assert kept.find("0") is None
    assert len(kept.newest(10_000)) == KEPT_MOST + 1
    assert b"s3cr3t-over" not in b"".join(path.read_bytes() for path in [tmp_path / NAME])
    assert (tmp_path / NAME).stat().st_mode & 0o077 == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=400),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=20), inner, max_size=20),
    max_leaves=40,
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.text(max_size=20), JSON, max_size=20), st.integers(150, 3_000))
def test_an_answer_always_fits_and_is_json(detail: dict[str, Any], most: int) -> None:
    text = answer_text(detail, most)
    assert len(text) <= most
    assert isinstance(json.loads(text), dict)


def test_what_fits_is_said_whole() -> None:
    assert json.loads(answer_text({"a": "ñ", "b": [1, 2]})) == {"a": "ñ", "b": [1, 2]}
