"""A start whose disk does not allow the outbox to be opened: it waits, comes back by itself, and says so truthfully."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from agentkit.disks import fill
from agentkit.making import BOOT, OTHER_BOOT, held_rows, ping
from aldea.agents.outbox import Limits, Machine, Opening, Outbox, Reserve, Span, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aldea.model.sample import Row

THIRD_BOOT = "cc" * 16


def opening(folder: Path, boot: str = BOOT, mono_ms: int = 1_000) -> Opening:
    return Opening(folder, Machine("hardware", boot, "1.0"), Limits(), mono_ms)


def opened(folder: Path, boot: str = BOOT, mono_ms: int = 1_000) -> Outbox:
    outbox = opening(folder, boot, mono_ms).attempt(mono_ms)
    assert outbox is not None
    return outbox


def newest(outbox: Outbox, measurement: str) -> Row:
    return next(row for row in reversed(held_rows(outbox)) if row.measurement == measurement)


def wait_unopened(folder: Path, boot: str, from_ms: int, to_ms: int) -> Opening:
    """Try from then to then, a minute apart, and never succeed."""
    start = opening(folder, boot, from_ms)
    for mono_ms in range(from_ms, to_ms + 1, 60_000):
        assert start.attempt(mono_ms) is None
    return start


class Impatient(sqlite3.Connection):
    """A connection that never waits for a lock."""

    def __init__(self, database: Path, **_options: object) -> None:
        super().__init__(database, timeout=0.0, isolation_level=None, check_same_thread=False)


def full(folder: Path) -> Callable[[], None]:
    fill(folder)
    return (folder / "ballast").unlink


def read_only(folder: Path) -> Callable[[], None]:
    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)

    remount("ro")
    return partial(remount, "rw")


@pytest.mark.parametrize(("spoil", "reason"), [(full, "disk_full"), (read_only, "read_only")])
def test_a_disk_that_cannot_be_written_is_waited_for_and_the_wait_is_told(
    small_disk: Path, spoil: Callable[[Path], Callable[[], None]], reason: str
) -> None:
    before = opened(small_disk)
    before.append([ping()], 60_000)
    before.close(Stopped.ALONE)
    mend = spoil(small_disk)
    start = wait_unopened(small_disk, BOOT, 120_000, 600_000)
    assert start.trouble is not None
    assert start.trouble.reason == reason
    mend()
    outbox = start.attempt(660_000)
    assert outbox is not None
    assert outbox.epoch == before.epoch
    boot = newest(outbox, "boot")
    assert (boot.mono_ms, boot.fields["cause"], boot.fields["silent_seconds"]) == (120_000, "stopped", 60)
    outbox.append([ping()], 661_000)
    assert newest(outbox, "not_recorded").fields == {
        "from_mono_ms": 120_000,
        "to_mono_ms": 660_000,
        "boot_id": BOOT,
        "count": 0,
        "reason": reason,
    }
    outbox.close()


def test_a_file_that_somebody_else_holds_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(tmp_path).close()
    monkeypatch.setattr("aldea.agents.outbox.database.sqlite3.connect", Impatient)
    with closing(sqlite3.Connection(tmp_path / "outbox.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        start = wait_unopened(tmp_path, OTHER_BOOT, 1_000, 61_000)
        assert start.trouble is not None
        assert start.trouble.reason == "busy"
        other.execute("ROLLBACK")
        outbox = start.attempt(121_000)
    assert outbox is not None
    assert newest(outbox, "boot").fields["cause"] == "power_lost"
    outbox.close()


def test_an_agent_that_starts_again_while_it_waits_tells_one_wait(small_disk: Path) -> None:
    before = opened(small_disk)
    before.append([ping()], 60_000)
    before.close()
    mend = full(small_disk)
    wait_unopened(small_disk, BOOT, 120_000, 180_000)
    start = wait_unopened(small_disk, BOOT, 300_000, 360_000)
    mend()
    outbox = start.attempt(420_000)
    assert outbox is not None
    boot = newest(outbox, "boot")
    assert (boot.mono_ms, boot.fields["cause"], boot.fields["silent_seconds"]) == (120_000, "crashed", 60)
    outbox.append([ping()], 480_000)
    told = newest(outbox, "not_recorded").fields
    assert (told["from_mono_ms"], told["to_mono_ms"], told["count"]) == (120_000, 420_000, 0)
    outbox.close()


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (None, "power_lost"),
        (Stopped.ALONE, "stopped"),
        (Stopped.WITH_THE_MACHINE, "shut_down"),
    ],
)
def test_a_boot_that_never_opened_its_outbox_is_the_one_before_the_next(
    small_disk: Path, end: Stopped | None, cause: str
) -> None:
    """The boot before it may have ended otherwise: what it says is not what happened last."""
    before = opened(small_disk)
    before.close(Stopped.ALONE if end is Stopped.WITH_THE_MACHINE else Stopped.WITH_THE_MACHINE)
    mend = full(small_disk)
    start = wait_unopened(small_disk, OTHER_BOOT, 1_000, 601_000)
    if end is not None:
        start.give_up(610_000, end)
    mend()
    outbox = opened(small_disk, THIRD_BOOT, 2_000)
    boot = newest(outbox, "boot").fields
    assert (boot["previous_boot_id"], boot["cause"], boot["kind"]) == (OTHER_BOOT, cause, "boot")
    assert boot["clean"] is (end is not None)
    assert outbox.boot.number == 3
    # A crash before the reserve has been told: the boots are counted no second time.
    outbox.close()
    again = opened(small_disk, THIRD_BOOT, 90_000)
    assert again.boot.number == 3
    assert newest(again, "boot").fields["cause"] == "crashed"
    again.append([ping()], 100_000)
    spans = [row.fields for row in held_rows(again) if row.measurement == "not_recorded"]
    assert spans[0]["boot_id"] == OTHER_BOOT
    assert spans[0]["from_mono_ms"] == 1_000
    again.close()


def test_a_start_that_waits_in_the_boot_of_the_one_before_tells_how_itself_ended(small_disk: Path) -> None:
    before = opened(small_disk)
    before.append([ping()], 60_000)
    before.close(Stopped.ALONE)
    mend = full(small_disk)
    wait_unopened(small_disk, BOOT, 120_000, 180_000)  # and then the power goes
    mend()
    outbox = opened(small_disk, OTHER_BOOT)
    fields = newest(outbox, "boot").fields
    assert (fields["previous_boot_id"], fields["cause"], fields["clean"]) == (BOOT, "power_lost", False)
    told = outbox.before()
    assert told is not None
    assert told.last_mono_ms == 180_000
    outbox.close()


def test_only_a_wait_of_this_boot_moves_its_beginning(small_disk: Path) -> None:
    opened(small_disk).close()
    mend = full(small_disk)
    wait_unopened(small_disk, OTHER_BOOT, 1_000, 61_000)
    mend()
    outbox = opened(small_disk, THIRD_BOOT, 5_000)
    assert newest(outbox, "boot").mono_ms == 5_000
    outbox.close()


def test_rows_that_could_not_be_stored_move_no_start_to_their_time(tmp_path: Path) -> None:
    before = opened(tmp_path)
    before.append([ping()], 60_000)
    before.close()
    Reserve(tmp_path / "outbox.reserve").note(Span(BOOT, 90_000, 95_000, 4, "disk_full"))
    outbox = opened(tmp_path, mono_ms=300_000)
    boot = newest(outbox, "boot")
    assert (boot.mono_ms, boot.fields["silent_seconds"]) == (300_000, 240)
    outbox.close()


@pytest.mark.parametrize(
    "spoil",
    [
        "DROP TABLE boot",
        "DROP TABLE waiting",
        "UPDATE meta SET value = 'x' WHERE name IN ('clean_stop', 'last_mono_ms')",
        "UPDATE epoch SET last_seq = 'many'",
    ],
)
def test_a_file_that_makes_no_sense_is_put_aside_and_the_agent_goes_on(tmp_path: Path, spoil: str) -> None:
    before = opened(tmp_path)
    before.append([ping()], 60_000)
    before.close()
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        db.execute(spoil)
        db.commit()
    outbox = opened(tmp_path, mono_ms=90_000)
    assert outbox.epoch != before.epoch
    assert newest(outbox, "boot").fields["outbox"] == "corrupt"
    assert outbox.append([ping()], 91_000) is not None
    assert (tmp_path / "outbox.corrupt-1.sqlite").exists()
    outbox.close()


def test_a_word_of_a_newer_version_about_its_end_does_not_stop_an_older_one(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        db.execute("UPDATE meta SET value = 9 WHERE name = 'clean_stop'")
        db.commit()
    outbox = opened(tmp_path, OTHER_BOOT)
    assert newest(outbox, "boot").fields["cause"] == "stopped"
    outbox.close()


def test_a_spoilt_anchor_costs_its_boot_the_time_and_nothing_else(tmp_path: Path) -> None:
    before = opened(tmp_path)
    before.append([ping()], 60_000)
    before.close()
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        db.execute("UPDATE boot SET anchor = '[1, 2'")
        db.commit()
    outbox = opened(tmp_path, OTHER_BOOT)
    held = outbox.next_bulk(10, 10, {})
    assert held is not None
    assert held.boot.anchor is None
    outbox.close()
