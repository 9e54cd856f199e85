"""What goes at the cap is said: every row is either still there or named by a tombstone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentkit.making import OTHER_BOOT, held_rows, make_outbox, ping
from aldea.agents.outbox import Limits
from aldea.model.intervals import IntervalSet
from aldea.model.wire import Anchor

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.agents.outbox import Outbox
    from aldea.model.sample import Row

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def told(rows: list[Row]) -> list[tuple[int, int, int, str]]:
    """What the tombstones among the rows say: first and last seq, count, reason."""
    found = []
    for row in rows:
        if row.measurement == "tombstone":
            first, last, count = (row.fields[name] for name in ("first_seq", "last_seq", "count"))
            assert isinstance(first, int)
            assert isinstance(last, int)
            assert isinstance(count, int)
            found.append((first, last, count, str(row.fields["reason"])))
    return found


def test_at_the_cap_the_oldest_go_and_tombstones_name_every_one_of_them(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, limits=Limits(max_bytes=300_000))
    for cycle in range(300):
        outbox.append([ping(10 * cycle + n, note=f"{n:0200d}") for n in range(10)], 2_000 + cycle)
    assert outbox.stats().used_bytes <= 300_000 + 8_192
    last = outbox.bounds()[1]
    rows = held_rows(outbox)
    outbox.close()
    accounted = IntervalSet((row.seq, row.seq) for row in rows)
    for first, final, _, _ in told(rows):
        accounted.add(first, final)
    assert list(accounted) == [(1, last)]
    assert 0 < len(told(rows)) < 15
    dropped = sum(count for _, _, count, _ in told(rows))
    assert dropped == last - len(rows)
    newest = [row.fields["sent"] for row in rows if row.measurement == "ping"]
    assert newest == list(range(3_000 - len(newest), 3_000))


def test_rows_older_than_the_limit_go_and_are_named(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, limits=Limits(max_age_ms=DAY_MS), mono_ms=0)
    for hour in range(1, 40):
        outbox.append([ping(hour)], hour * HOUR_MS)
    rows = held_rows(outbox)
    assert [row.fields["sent"] for row in rows if row.measurement == "ping"] == list(range(15, 40))
    assert {reason for *_, reason in told(rows)} == {"too_old"}
    outbox.close()


def test_the_age_of_an_earlier_boots_rows_is_known_by_its_anchor(tmp_path: Path) -> None:
    limits = Limits(max_age_ms=DAY_MS)
    outbox = make_outbox(tmp_path, limits=limits)
    outbox.append([ping(1)], 10 * HOUR_MS)
    outbox.append([ping(2)], 20 * HOUR_MS)
    outbox.set_anchor(Anchor(0, 1_000 * DAY_MS, 100, "ntp"))
    outbox.close()
    outbox = make_outbox(tmp_path, boot=OTHER_BOOT, limits=limits, mono_ms=0)
    outbox.append([ping(3)], 2 * HOUR_MS)
    assert 1 in [row.fields.get("sent") for row in _peek(outbox)]
    outbox.set_anchor(Anchor(0, 1_001 * DAY_MS + 10 * HOUR_MS, 100, "ntp"))
    outbox.append([ping(4)], 4 * HOUR_MS)
    assert [row.fields["sent"] for row in held_rows(outbox) if row.measurement == "ping"] == [2, 3, 4]
    outbox.close()


def _peek(outbox: Outbox) -> list[Row]:
    held = outbox.next_bulk(100, 100, {})
    return [] if held is None else list(held.rows)


def test_what_is_dropped_of_an_epoch_before_names_that_epoch(tmp_path: Path) -> None:
    limits = Limits(max_age_ms=DAY_MS)
    outbox = make_outbox(tmp_path, limits=limits)
    outbox.append([ping(1)], 2_000)
    old = outbox.epoch
    outbox.close()
    outbox = make_outbox(tmp_path, boot=OTHER_BOOT, limits=limits, mono_ms=0)
    outbox.move_to_new_epoch()
    outbox.append([ping(2)], 25 * HOUR_MS)
    tombstones = [row for row in held_rows(outbox) if row.measurement == "tombstone"]
    assert {row.fields["epoch"] for row in tombstones} == {old, None}
    outbox.close()
