"""A damaged outbox is put aside; what can still be read of it comes back by itself, once."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from agentkit.disks import spoil_leaves
from agentkit.making import held_rows, make_outbox, ping
from aldea.agents.lock import FolderLock
from aldea.agents.outbox import Limits, Machine
from aldea.agents.salvage import salvage
from aldea.agents.service import AgentService
from aldea.agents.settings import AgentSettings, BrokerSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aldea.model.sample import Row

CYCLES = 400


def measured(folder: Path) -> None:
    """Hold some rows, each with a number."""
    outbox = make_outbox(folder)
    for number in range(CYCLES):
        outbox.append([ping(number, note=f"{number:0100d}")], 2_000 + number)
    outbox.close()


def numbers(rows: list[Row]) -> list[object]:
    return [row.fields["sent"] for row in rows if row.measurement == "ping"]


def spoil_meta(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE meta SET value = 'x' WHERE name IN ('clean_stop', 'last_mono_ms')")
        db.execute("UPDATE epoch SET last_seq = 'many'")
        db.commit()


@pytest.mark.parametrize(("spoil", "lost"), [(spoil_meta, False), (lambda path: spoil_leaves(path, 2), True)])
def test_what_can_be_read_of_a_damaged_file_comes_back_once(
    tmp_path: Path, spoil: Callable[[Path], None], *, lost: bool
) -> None:
    measured(tmp_path)
    spoil(tmp_path / "outbox.sqlite")
    outbox = make_outbox(tmp_path)  # puts it aside
    outbox.append([ping(CYCLES)], 9_000)
    count = salvage(tmp_path, Limits(), "hardware")
    assert count == CYCLES + 1 if not lost else 100 < count < CYCLES
    assert salvage(tmp_path, Limits(), "hardware") == 0
    rows = held_rows(outbox)
    found = numbers(rows)
    assert len(found) == len(set(found))
    assert found[-1] == CYCLES
    given_up = [row.fields["count"] for row in rows if row.measurement == "tombstone"]
    assert sum(number for number in given_up if isinstance(number, int)) == (CYCLES + 1 - count)
    assert list(tmp_path.glob("take-over-*")) == []
    outbox.close()


def test_rows_that_are_sent_while_they_come_back_go_once_also_when_a_cut_forgot_that_they_came(tmp_path: Path) -> None:
    measured(tmp_path)
    spoil_meta(tmp_path / "outbox.sqlite")
    outbox = make_outbox(tmp_path)
    sent: Counter[tuple[str, int]] = Counter()
    found: list[Row] = []
    over = threading.Event()

    def send() -> None:
        while not over.is_set() or outbox.stats().rows:
            held = outbox.next_bulk(30, 2**60, {})
            if held is not None:
                sent.update((held.epoch, row.seq) for row in held.rows)
                found.extend(held.rows)
                outbox.acknowledge(held.epoch, [(held.first_seq, held.last_seq)])

    sender = threading.Thread(target=send)
    sender.start()
    try:
        counts = [salvage(tmp_path, Limits(), "hardware")]
        outbox.append([ping(CYCLES)], 9_000)
        (tmp_path / "outbox.corrupt-1.done").unlink()
        counts.append(salvage(tmp_path, Limits(), "hardware"))
    finally:
        over.set()
        sender.join(120)
    assert counts == [CYCLES + 1, 0]
    assert set(sent.values()) == {1}
    assert sorted(str(number) for number in numbers(found)) == sorted(map(str, range(CYCLES + 1)))
    outbox.close()


def test_a_file_of_which_nothing_can_be_read_is_tried_once(tmp_path: Path) -> None:
    make_outbox(tmp_path).close()
    (tmp_path / "outbox.sqlite").write_bytes(b"no database at all, but long enough for one" * 100)
    outbox = make_outbox(tmp_path)
    assert salvage(tmp_path, Limits(), "hardware") == 0
    assert (tmp_path / "outbox.corrupt-1.done").exists()
    outbox.close()


def test_while_a_person_takes_over_a_disk_it_waits(tmp_path: Path) -> None:
    measured(tmp_path)
    spoil_meta(tmp_path / "outbox.sqlite")
    outbox = make_outbox(tmp_path)
    lock = FolderLock(tmp_path, "take-over")
    assert salvage(tmp_path, Limits(), "hardware") == 0
    lock.release()
    assert salvage(tmp_path, Limits(), "hardware") == CYCLES + 1
    outbox.close()


def test_a_full_disk_is_waited_for(small_disk: Path) -> None:
    measured(small_disk)
    spoil_meta(small_disk / "outbox.sqlite")
    outbox = make_outbox(small_disk)
    assert salvage(small_disk, Limits(), "hardware") == 0  # four megabytes in all
    assert not (small_disk / "outbox.corrupt-1.done").exists()
    outbox.close()


def test_an_agent_that_finds_its_outbox_damaged_does_all_this_by_itself(tmp_path: Path) -> None:
    measured(tmp_path)
    spoil_meta(tmp_path / "outbox.sqlite")
    settings = AgentSettings(site="village", data=tmp_path, sample_seconds=0.1, broker=BrokerSettings(port=1))

    async def story() -> None:
        service = AgentService(settings, [], machine=Machine("hardware", "ab" * 16, "0.1"))
        running = asyncio.create_task(service.run())
        async with asyncio.timeout(60):
            while not (tmp_path / "outbox.corrupt-1.done").exists():  # noqa: ASYNC110 - a thread makes it
                await asyncio.sleep(0.05)
            service.stop()
            await running

    asyncio.run(story())
    outbox = make_outbox(tmp_path, boot="ab" * 16)
    assert numbers(held_rows(outbox)) == list(range(CYCLES))
    outbox.close()
