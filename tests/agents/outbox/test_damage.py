"""What the outbox survives: SIGKILL, spoilt files, another machine."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentkit.making import held_rows, make_outbox, ping, seqs
from aldea.agents.outbox import OutboxUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]


def test_killed_at_any_moment_it_keeps_every_committed_row_and_goes_on_without_a_gap(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    committed: dict[int, int] = {}
    epochs = set()
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-m", "agentkit.appender", str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT / "tests")},
        )
        assert process.stdout is not None
        first = [process.stdout.readline() for _ in range(4)]
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        lines = (b"".join(first) + process.stdout.read()).decode().splitlines()
        process.wait()
        process.stdout.close()
        for line in lines:
            number, low, high = map(int, line.split())
            committed.update(dict.fromkeys(range(low, high + 1), number))
        outbox = make_outbox(tmp_path)
        epochs.add(outbox.epoch)
        outbox.close()
    outbox = make_outbox(tmp_path)
    rows = held_rows(outbox)
    outbox.close()
    assert seqs(rows) == list(range(1, len(rows) + 1))
    found = {row.seq: row.fields["sent"] for row in rows if row.measurement == "ping"}
    assert committed.items() <= found.items()
    assert len(committed) > 20
    assert len(epochs) == 1


def _zero_length(path: Path) -> None:
    path.write_bytes(b"")


def _truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flipped_in_header(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[3] ^= 0x10
    path.write_bytes(content)


def _flipped_everywhere(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for position in range(100, len(content), 97):
        content[position] ^= 0x55
    path.write_bytes(content)


def _another_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE something_else (x)")
        db.commit()


@pytest.mark.parametrize(
    "spoil", [_zero_length, _truncated, _flipped_in_header, _flipped_everywhere, _another_database]
)
def test_a_spoilt_file_is_kept_aside_and_a_new_epoch_begins_that_says_so(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    outbox = make_outbox(tmp_path)
    for number in range(200):
        outbox.append([ping(number)], 2_000)
    before = outbox.epoch
    outbox.close()
    spoil(tmp_path / "outbox.sqlite")
    spoilt = (tmp_path / "outbox.sqlite").read_bytes()
    outbox = make_outbox(tmp_path)
    assert outbox.epoch != before
    assert outbox.append([ping()], 3_000) == (2, 2)
    assert held_rows(outbox)[0].fields["outbox"] == "corrupt"
    outbox.close()
    assert (tmp_path / "outbox.corrupt-1.sqlite").read_bytes() == spoilt


def test_each_spoilt_file_keeps_a_name_of_its_own(tmp_path: Path) -> None:
    for _ in range(3):
        make_outbox(tmp_path).close()
        _zero_length(tmp_path / "outbox.sqlite")
    make_outbox(tmp_path).close()
    assert len(list(tmp_path.glob("outbox.corrupt-?.sqlite"))) == 3


def test_a_log_left_behind_by_a_removed_file_is_not_taken_for_the_new_ones(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path)
    outbox.append([ping()] * 50, 2_000)
    shutil.copy(tmp_path / "outbox.sqlite-wal", tmp_path / "kept")
    outbox.close()
    (tmp_path / "outbox.sqlite").unlink()
    shutil.copy(tmp_path / "kept", tmp_path / "outbox.sqlite-wal")
    outbox = make_outbox(tmp_path)
    assert seqs(held_rows(outbox)) == [1]
    outbox.close()


def test_a_file_that_breaks_under_a_running_agent_is_replaced_without_losing_the_cycle(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path)
    for number in range(300):
        outbox.append([ping(number, note=f"{number:0400d}")], 2_000)
    before = outbox.epoch
    path = tmp_path / "outbox.sqlite"
    with closing(sqlite3.connect(path)) as db:  # another's commit makes the agent read its pages anew
        db.execute("UPDATE meta SET value = value")
        db.commit()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\x55" * (path.stat().st_size - 4096))
    assert outbox.append([ping(7)], 9_000) is not None
    assert outbox.epoch != before
    rows = held_rows(outbox)
    assert [row.fields.get("sent") for row in rows] == [None, 7]
    assert rows[0].fields["outbox"] == "corrupt"
    assert rows[0].fields["kind"] == "restart"
    outbox.close()


def test_a_block_that_the_card_no_longer_gives_does_not_silence_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = make_outbox(tmp_path)
    outbox.append([ping()] * 9, 2_000)
    before = outbox.epoch

    def unreadable(*_: object) -> None:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("aldea.agents.outbox.selection.run_from", unreadable)
        with pytest.raises(OutboxUnavailable):
            outbox.next_bulk(10, 10, {})
    assert outbox.epoch != before
    assert outbox.append([ping(5)], 9_000) is not None
    assert (tmp_path / "outbox.corrupt-1.sqlite").exists()
    outbox.close()


def test_a_cloned_card_does_not_deliver_the_originals_rows(tmp_path: Path) -> None:
    original = make_outbox(tmp_path / "original")
    original.append([ping()] * 3, 2_000)
    original.close()
    shutil.copytree(tmp_path / "original", tmp_path / "clone")
    clone = make_outbox(tmp_path / "clone", hardware="other hardware")
    assert clone.epoch != original.epoch
    (row,) = held_rows(clone)
    assert row.fields["outbox"] == "other_machine"
    clone.close()
    assert (tmp_path / "clone" / "outbox.other_machine-1.sqlite").exists()


def test_a_machine_that_cannot_be_told_apart_keeps_its_outbox(tmp_path: Path) -> None:
    first = make_outbox(tmp_path)
    first.close()
    second = make_outbox(tmp_path, hardware="")
    assert second.epoch == first.epoch
    second.close()
