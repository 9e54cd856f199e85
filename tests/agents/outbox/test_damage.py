"""What the outbox survives: SIGKILL, spoilt files, another machine, a full disk."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agentkit.disks import fill
from agentkit.making import BOOT, held_rows, make_outbox, ping, seqs
from aldea.agents.outbox import Outbox, OutboxUnavailable, Reserve, Span

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
        first = process.stdout.readline()
        time.sleep(chance.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        lines = (first + process.stdout.read()).decode().splitlines()
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


def append_until_refused(outbox: Outbox, from_ms: int = 2_000) -> int:
    """Append until the disk is full; return the number of the cycle that was refused."""
    for number in range(10_000):
        if outbox.append([ping(number, note=f"{number:0900d}")], from_ms + number) is None:
            return number
    raise AssertionError("the disk is never full")


def check_full_disk(outbox: Outbox, make_room: Callable[[], None], reason: str) -> None:
    refused = append_until_refused(outbox)
    last = outbox.bounds()[1]
    assert outbox.append([ping(), ping()], 900_000) is None
    assert outbox.append([ping()], 960_000) is None
    outbox.acknowledge(outbox.epoch, [(1, 3)])  # must not be handed out again, deleted or not
    held = outbox.next_bulk(1, 10**6, {})
    assert held is not None
    assert held.first_seq == 4
    make_room()
    span = outbox.append([ping(5)], 1_020_000)
    assert span == (last + 1, last + 1)
    told = held_rows(outbox)[-1]
    assert told.seq == span[1] + 1
    assert told.measurement == "not_recorded"
    assert told.fields == {
        "from_mono_ms": 2_000 + refused,
        "to_mono_ms": 960_000,
        "boot_id": BOOT,
        "count": 4,
        "reason": reason,
    }
    assert outbox.append([ping()], 1_080_000) == (span[1] + 2, span[1] + 2)


def test_on_a_full_disk_it_counts_what_is_not_recorded_and_tells_once_there_is_room(small_disk: Path) -> None:
    outbox = make_outbox(small_disk)
    outbox.append([ping()] * 10, 1_500)
    fill(small_disk)
    check_full_disk(outbox, (small_disk / "ballast").unlink, "disk_full")
    outbox.close()
    assert Reserve(small_disk / "outbox.reserve").spans == ()


def test_a_limit_on_the_files_size_is_met_as_a_full_disk_is(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    outbox = make_outbox(tmp_path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, before[1]))
        check_full_disk(outbox, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before), "disk_error")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    outbox.close()


def test_what_a_full_disk_swallowed_before_a_power_cut_is_told_by_the_next_boot(small_disk: Path) -> None:
    outbox = make_outbox(small_disk)
    fill(small_disk)
    append_until_refused(outbox)
    outbox.close()
    (small_disk / "ballast").unlink()
    later = make_outbox(small_disk, boot="cc" * 16)
    later.append([ping()], 5_000)
    later.append([ping()], 6_000)
    told = [row for row in held_rows(later) if row.measurement == "not_recorded"]
    assert [(row.fields["boot_id"], row.fields["count"]) for row in told] == [(BOOT, 1)]
    later.close()


def test_a_start_on_a_full_disk_is_said_and_not_taken_for_damage(small_disk: Path) -> None:
    outbox = make_outbox(small_disk)
    outbox.append([ping()], 2_000)
    outbox.close()
    fill(small_disk)
    with pytest.raises(OutboxUnavailable, match=r"outbox\.sqlite cannot be used"):
        make_outbox(small_disk)
    (small_disk / "ballast").unlink()
    again = make_outbox(small_disk)
    assert again.epoch == outbox.epoch
    again.close()


def test_a_reserve_half_written_leaves_what_it_said_before(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    reserve = Reserve(path)
    reserve.note(Span("a", 1, 2, 3, "disk_full"))
    reserve.note(Span("b", 5, 6, 1, "disk_full"))
    content = bytearray(path.read_bytes())
    newest = reserve.generation % 2 * 4096
    content[newest + 20] ^= 1
    path.write_bytes(content)
    again = Reserve(path)
    assert again.spans == (Span("a", 1, 2, 3, "disk_full"),)
    again.note(Span("a", 7, 8, 2, "disk_full"))
    assert Reserve(path).spans == (Span("a", 1, 8, 5, "disk_full"),)


def test_a_reserve_of_another_version_does_not_stop_the_agent(tmp_path: Path) -> None:
    path = tmp_path / "reserve"
    Reserve(path)
    body = b'{"spans": [], "ended": 3}'
    slot = zlib.crc32(body).to_bytes(4, "big") + len(body).to_bytes(4, "big") + body
    with path.open("r+b") as file:
        file.write(slot.ljust(4096, b"\0"))
    reserve = Reserve(path)
    assert reserve.spans == ()
    reserve.note(Span("a", 1, 2, 3, "disk_full"))
    assert Reserve(path).spans == (Span("a", 1, 2, 3, "disk_full"),)


def lose(path: Path) -> None:
    path.unlink()


def make_newer(path: Path) -> None:
    """Let the reserve be of a version whose spans have more to say."""
    body = b'[900, [["a", 1, 2, 3, "disk_full", "and more"]]]'
    slot = zlib.crc32(body).to_bytes(4, "big") + len(body).to_bytes(4, "big") + body
    path.write_bytes(slot.ljust(4096, b"\0") * 2)


@pytest.mark.parametrize("spoil", [lose, make_newer])
def test_after_a_reserve_that_is_lost_or_of_another_version_what_is_swallowed_is_told_still(
    small_disk: Path, spoil: Callable[[Path], None]
) -> None:
    """Its counting begins anew, below what the outbox has told of already."""
    outbox = make_outbox(small_disk)
    for at_ms in (100_000, 200_000, 300_000):
        fill(small_disk)
        append_until_refused(outbox, at_ms)
        (small_disk / "ballast").unlink()
        outbox.append([ping()], at_ms + 50_000)
    outbox.close()
    spoil(small_disk / "outbox.reserve")
    outbox = make_outbox(small_disk, mono_ms=400_000)
    fill(small_disk)
    append_until_refused(outbox, 500_000)
    outbox.close()  # and the reserve alone knows of it
    (small_disk / "ballast").unlink()
    outbox = make_outbox(small_disk, boot="cc" * 16)
    outbox.append([ping()], 2_000)
    told = [row.fields for row in held_rows(outbox) if row.measurement == "not_recorded"]
    assert len(told) == 4
    assert len({str(sorted(fields.items())) for fields in told}) == 4
    outbox.close()


def test_what_a_cut_left_in_the_reserve_though_it_was_told_is_not_told_again(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = make_outbox(small_disk)
    fill(small_disk)
    append_until_refused(outbox, 100_000)
    (small_disk / "ballast").unlink()
    with monkeypatch.context() as cut:
        cut.setattr(Reserve, "clear", lambda _: None)
        outbox.append([ping()], 150_000)
    outbox.close()
    outbox = make_outbox(small_disk, boot="cc" * 16)
    fill(small_disk)
    append_until_refused(outbox, 200_000)
    (small_disk / "ballast").unlink()
    outbox.append([ping()], 250_000)
    told = [row.fields["boot_id"] for row in held_rows(outbox) if row.measurement == "not_recorded"]
    assert told == [BOOT, "cc" * 16]
    outbox.close()


def test_a_reserve_of_many_boots_stays_within_its_slot(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve")
    for number in range(500):
        reserve.note(Span(f"{number:032x}", number, number, 1, "disk_full"))
    assert (tmp_path / "reserve").stat().st_size == 8192
    assert sum(span.count for span in Reserve(tmp_path / "reserve").spans) == 500
