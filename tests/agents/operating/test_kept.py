"""What a box remembers of its commands, on a disk that is damaged or full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from agentkit.commanded import CommandedBox, Scripted, command, story
from agentkit.waiting import eventually
from aldea.agents.operating.handler import Outcome, State
from aldea.agents.operating.kept import KEPT_MOST, NAME, KeptCommands
from aldea.agents.outbox import OutboxUnavailable
from aldea.model.sample import Reading


def test_a_damaged_memory_is_begun_anew(tmp_path: Path) -> None:
    async def tell() -> None:
        (tmp_path / NAME).write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
        box = CommandedBox(tmp_path, Scripted(quick=True))
        box.inbox.take(command())
        await box.hears(("one", "done"))
        await box.stop()

    story(tell)


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"no database" * 500), lambda path: path.mkdir()])
def test_where_the_disk_does_not_say_whether_a_command_is_overtaken_it_is_not_and_nothing_is_put_aside(
    tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    """An upgrade asks from a thread of its own, again and again for days: no moment of the disk's is to end it."""
    spoil(tmp_path / NAME)
    assert not KeptCommands(tmp_path).is_overtaken("one")
    assert [item.name for item in tmp_path.iterdir()] == [NAME]
    assert not KeptCommands(tmp_path / "gone").is_overtaken("one")


def test_a_damage_that_shows_only_behind_the_schema_is_begun_anew_too(tmp_path: Path) -> None:
    async def tell() -> None:
        kept = KeptCommands(tmp_path)
        for number in range(50):
            kept.add(command(f"old-{number}", text="x" * 500), Outcome(State.ACCEPTED))
        content = bytearray((tmp_path / NAME).read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        (tmp_path / NAME).write_bytes(content)
        box = CommandedBox(tmp_path, Scripted(quick=True))
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
        box = CommandedBox(tmp_path, handler)
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
