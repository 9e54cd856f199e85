"""A disk that is full: what could not be recorded is counted in the reserve, and told once there is room."""

from __future__ import annotations

import resource
import signal
import zlib
from typing import TYPE_CHECKING

import pytest

from agentkit.disks import fill
from agentkit.making import BOOT, held_rows, make_outbox, ping
from aldea.agents.outbox import Outbox, OutboxUnavailable, Reserve, Span

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


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


def test_a_card_that_answers_with_errors_alone_stops_no_agent(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reserve = Reserve(tmp_path / ("x" * 300))  # whatever is asked of such a file fails, even whether it is there
    reserve.note(Span("a", 1, 2, 3, "io_error"))
    assert reserve.spans == (Span("a", 1, 2, 3, "io_error"),), "kept in memory, to be told when that is possible"
    assert "cannot be written" in caplog.text


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
