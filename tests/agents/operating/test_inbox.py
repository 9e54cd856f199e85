"""The inbox: each command once, answers that are repeated, what a stop leaves, and bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentkit.commanded import CommandedBox, Scripted, command, story
from agentkit.waiting import eventually
from aldea.agents.operating.inbox import REPEAT_AFTER_MS, WAITING_MOST


def test_a_command_is_carried_out_and_says_so(tmp_path: Path) -> None:
    async def tell() -> None:
        box = CommandedBox(tmp_path, Scripted(steps=({"share": 0.5},)))
        box.inbox.take(command())
        await box.hears(("one", "running"), ("one", "running"), ("one", "done"))
        assert box.said[-1][2] == {"found": 1}
        await box.stop()

    story(tell)


def test_the_same_id_twice_is_carried_out_once_and_its_answer_repeated_when_asked_later(tmp_path: Path) -> None:
    async def tell() -> None:
        handler = Scripted(quick=True)
        box = CommandedBox(tmp_path, handler)
        for _ in range(3):
            box.inbox.take(command())
        await box.hears(("one", "done"))
        box.clock.advance(REPEAT_AFTER_MS)
        box.inbox.take(command())
        await box.hears(("one", "done"), ("one", "done"))
        assert box.said[0] == box.said[1]
        await box.stop()
        again = CommandedBox(tmp_path, handler)
        again.inbox.take(command())
        await again.hears(("one", "done"))
        assert handler.begun == ["one"]
        await again.stop()

    story(tell)


def test_a_command_that_the_power_cut_off_is_said_to_have_failed(tmp_path: Path) -> None:
    async def tell() -> None:
        handler = Scripted()
        handler.go.clear()
        box = CommandedBox(tmp_path, handler)
        box.inbox.take(command())
        await box.hears(("one", "running"))
        await box.stop()
        again = CommandedBox(tmp_path, handler)
        await again.hears(("one", "failed"))
        assert "ask for it again" in again.said[0][2]["sentence"]
        assert handler.begun == ["one"]
        await again.stop()

    story(tell)


def test_one_whose_handler_resumes_goes_on_and_one_that_only_waited_begins(tmp_path: Path) -> None:
    async def tell() -> None:
        handler = Scripted(kind="upgrade", resumes=True)
        handler.go.clear()
        box = CommandedBox(tmp_path, handler)
        box.inbox.take(command("one", "upgrade", version="2"))
        await box.hears(("one", "running"))
        box.inbox.take(command("two", "upgrade", version="3"))
        await box.hears(("one", "running"), ("two", "accepted"))
        await box.stop()
        handler.go.set()
        again = CommandedBox(tmp_path, handler)
        await again.hears(("one", "running"), ("one", "done"), ("two", "running"), ("two", "done"))
        assert handler.begun == ["one", "one", "two"]
        await again.stop()

    story(tell)


@pytest.mark.parametrize(("now_ms", "state"), [(999, "done"), (1_000, "expired"), (None, "done")])
def test_what_came_too_late_is_left_and_without_a_time_nothing_is_too_late(
    tmp_path: Path, now_ms: int | None, state: str
) -> None:
    async def tell() -> None:
        box = CommandedBox(tmp_path, Scripted(quick=True), now_ms=now_ms)
        box.inbox.take(command(expires_ms=1_000))
        await box.hears(("one", state))
        await box.stop()

    story(tell)


def test_a_word_between_that_the_full_disk_does_not_take_ends_nothing(tmp_path: Path) -> None:
    """An upgrade is days on its way: a disk that is full for a moment must not be its end, nor that of settings."""

    async def tell() -> None:
        box = CommandedBox(tmp_path, Scripted(steps=({"share": 0.5}, {"share": 0.7})))
        box.refuses = [{"share": 0.5}]
        box.inbox.take(command())
        await box.hears(("one", "running"), ("one", "running"), ("one", "done"))
        assert [detail for _, _, detail in box.said][1:] == [{"share": 0.7}, {"found": 1}]
        await box.stop()

    story(tell)


def test_an_unknown_kind_and_a_fault_are_answered_and_the_next_command_is_done(tmp_path: Path) -> None:
    async def tell() -> None:
        box = CommandedBox(tmp_path, Scripted(quick=True))
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
        box = CommandedBox(tmp_path, handler)
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
