"""Lanes: what keeps whom waiting, and what is waited for before a start with other settings."""

from __future__ import annotations

import asyncio
from pathlib import Path

from agentkit.commanded import CommandedBox, Scripted, command, story
from agentkit.waiting import eventually


def test_what_may_take_days_keeps_no_test_waiting(tmp_path: Path) -> None:
    async def tell() -> None:
        upgrade, test = Scripted(kind="upgrade", resumes=True), Scripted(kind="test")
        upgrade.go.clear()
        box = CommandedBox(tmp_path, upgrade, test)
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
        box = CommandedBox(tmp_path, long, quick)
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
        box = CommandedBox(tmp_path, test, long)
        for one in (command("one"), command("two"), command("slow", "upgrade")):
            box.inbox.take(one)
        await eventually(lambda: bool(test.begun and long.begun) and ("two", "accepted") in box.words)
        settled = asyncio.create_task(box.inbox.settle(60))
        await asyncio.sleep(0.02)
        assert not settled.done()
        test.go.set()
        await asyncio.wait_for(settled, 60)  # not for the upgrade, which goes on by itself after the start
        assert ("one", "done") in box.words
        assert test.begun == ["one"], "nothing new begins"
        await box.stop()

        again = Scripted()
        after = CommandedBox(tmp_path, again, Scripted("upgrade", resumes=True))
        await eventually(lambda: ("two", "done") in after.words)
        assert again.begun == ["two"]
        await after.stop()

    story(tell)


def test_a_test_that_does_not_end_keeps_no_settings_waiting(tmp_path: Path) -> None:
    async def tell() -> None:
        test = Scripted()
        test.go.clear()
        box = CommandedBox(tmp_path, test)
        box.inbox.take(command())
        await eventually(lambda: bool(test.begun))
        await box.inbox.settle(0.01)
        await box.stop()
        after = CommandedBox(tmp_path, Scripted())
        await eventually(lambda: ("one", "failed") in after.words)
        await after.stop()

    story(tell)
