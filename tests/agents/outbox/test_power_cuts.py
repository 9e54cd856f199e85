"""A power cut between any two writes of putting a file aside: nothing of it is lost, and the start says the truth."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentkit.disks import fill
from agentkit.making import held_rows, make_outbox, ping
from aldea.agents.outbox import Limits, OutboxUnavailable
from aldea.agents.salvage import salvage

if TYPE_CHECKING:
    from aldea.model.sample import Row

CYCLES = 60


class PowerCut(BaseException):
    """The power is gone."""


class Cutter:
    """Cuts the power before the n-th change of a name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, after: int) -> None:
        self._left = after
        self._rename, self._unlink = Path.rename, Path.unlink
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(Path, "rename", lambda *given: self._step(self._rename, *given))
        monkeypatch.setattr(
            Path,
            "unlink",
            lambda path, missing_ok=False: self._step(self._unlink, path, missing_ok) if path.exists() else None,
        )

    def _step(self, change: object, *given: object) -> object:
        if self._left == 0:
            raise PowerCut
        self._left -= 1
        assert callable(change)
        return change(*given)


def make_damaged(folder: Path) -> None:
    """Leave a file that makes no sense, most of whose rows are in its log alone, as a power cut leaves it."""
    outbox = make_outbox(folder)
    for number in range(CYCLES):
        outbox.append([ping(number)], 2_000 + number)
    with closing(sqlite3.connect(folder / "outbox.sqlite")) as other:
        other.execute("UPDATE epoch SET last_seq = 'many'")
        other.commit()
    saved = folder.parent / "saved"
    saved.mkdir(exist_ok=True)
    for suffix in ("", "-wal"):
        shutil.copy(folder / f"outbox.sqlite{suffix}", saved)
    outbox.close()
    for suffix in ("", "-wal"):
        shutil.copy(saved / f"outbox.sqlite{suffix}", folder)


def numbers(rows: list[Row]) -> list[object]:
    return [row.fields["sent"] for row in rows if row.measurement == "ping"]


@pytest.mark.parametrize("after", range(5))
def test_a_cut_while_a_file_is_put_aside_loses_nothing_and_is_no_first_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    folder = tmp_path / "data"
    make_damaged(folder)
    with monkeypatch.context() as cut:
        Cutter(cut, after)
        with suppress(PowerCut):
            make_outbox(folder).close()
    outbox = make_outbox(folder)
    boot = next(row for row in held_rows(outbox) if row.measurement == "boot")
    assert boot.fields["outbox"] == "corrupt"
    assert boot.fields["cause"] == "outbox_lost"
    assert salvage(folder, Limits(), "hardware") == CYCLES + 1
    assert numbers(held_rows(outbox)) == list(range(CYCLES))
    outbox.close()


def test_where_there_is_no_room_for_a_new_file_the_damaged_one_stays_in_its_place(small_disk: Path) -> None:
    make_outbox(small_disk).close()
    with closing(sqlite3.connect(small_disk / "outbox.sqlite")) as db:
        db.execute("UPDATE epoch SET last_seq = 'many'")
        db.commit()
    fill(small_disk)
    ballast = small_disk / "ballast"
    os.truncate(ballast, ballast.stat().st_size - 36 * 1024)  # the file can be opened, and no other one made
    for _ in range(2):
        with pytest.raises(OutboxUnavailable):
            make_outbox(small_disk)
    ballast.unlink()
    outbox = make_outbox(small_disk)
    assert held_rows(outbox)[0].fields["outbox"] == "corrupt"
    assert len(list(small_disk.glob("outbox.corrupt-*.sqlite"))) == 1
    outbox.close()


def test_a_file_of_a_newer_format_is_put_aside_unchanged_until_a_version_can_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_outbox(tmp_path)
    made.append([ping(7)], 2_000)
    made.close()
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        db.execute("UPDATE meta SET value = 2 WHERE name = 'schema'")
        db.commit()
    before = (tmp_path / "outbox.sqlite").read_bytes()
    outbox = make_outbox(tmp_path)
    assert outbox.epoch != made.epoch
    assert (tmp_path / "outbox.corrupt-1.sqlite").read_bytes() == before
    assert [salvage(tmp_path, Limits(), "hardware") for _ in range(2)] == [0, 0]
    monkeypatch.setattr("aldea.agents.outbox.old.READABLE_FORMATS", (1, 2))
    monkeypatch.setattr("aldea.agents.salvage._KNOWN", "formats 1 2")
    assert salvage(tmp_path, Limits(), "hardware") == 2
    assert numbers(held_rows(outbox)) == [7]
    outbox.close()


def test_a_damaged_file_that_somebody_removed_leaves_its_number_to_no_other(tmp_path: Path) -> None:
    def damage(value: int) -> None:
        outbox = make_outbox(tmp_path)
        outbox.append([ping(value)], 2_000)
        outbox.close()
        with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
            db.execute("UPDATE epoch SET last_seq = 'many'")
            db.commit()
        make_outbox(tmp_path).close()

    damage(1)
    assert salvage(tmp_path, Limits(), "hardware") == 2
    (tmp_path / "outbox.corrupt-1.sqlite").unlink()  # to make room
    damage(2)
    assert salvage(tmp_path, Limits(), "hardware") > 0
    outbox = make_outbox(tmp_path)
    assert set(numbers(held_rows(outbox))) == {1, 2}
    outbox.close()


@pytest.mark.parametrize("last_seq", [2**55, 1, -5])
def test_a_spoilt_count_of_an_epoch_neither_hides_rows_nor_keeps_the_search_going(
    tmp_path: Path, last_seq: int
) -> None:
    made = make_outbox(tmp_path)
    made.append([ping(number) for number in range(30)], 2_000)
    made.close()
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite")) as db:
        db.execute("UPDATE epoch SET last_seq = ?", (last_seq,))
        db.execute("UPDATE meta SET value = 'x' WHERE name IN ('clean_stop', 'last_mono_ms')")
        db.commit()
    outbox = make_outbox(tmp_path)
    assert salvage(tmp_path, Limits(), "hardware") == 31
    assert numbers(held_rows(outbox)) == list(range(30))
    outbox.close()
