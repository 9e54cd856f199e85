"""The outbox: seqs, what is handed out, what becomes of it, and what a restart finds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentkit.making import OTHER_BOOT, held_rows, make_outbox, ping, seqs
from aldea.agents.outbox import Limits, Stopped
from aldea.model.clock import ClockState
from aldea.model.intervals import IntervalSet
from aldea.model.sample import Reading
from aldea.model.wire import Anchor, Header, decode, encode

if TYPE_CHECKING:
    from pathlib import Path

    from aldea.agents.outbox import Held, Outbox


def test_the_first_row_of_a_new_outbox_tells_of_the_start(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path)
    (boot,) = held_rows(outbox)
    assert (boot.seq, boot.measurement, boot.mono_ms) == (1, "boot", 1_000)
    assert boot.fields["kind"] == "boot"
    assert boot.fields["outbox"] == "new"
    assert boot.fields["previous_boot_id"] is None
    outbox.close()


def test_a_cycle_gets_consecutive_seqs_that_go_on_after_a_restart(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path)
    epoch = outbox.epoch
    assert outbox.append([ping(1), ping(2)], 2_000) == (2, 3)
    assert outbox.append([], 3_000) is None
    outbox.acknowledge(epoch, [(1, 3)])
    outbox.close()
    again = make_outbox(tmp_path, mono_ms=60_000)
    assert again.epoch == epoch
    assert again.append([ping(3)], 61_000) == (5, 5)
    assert again.bounds() == (4, 5)
    again.close()


def test_a_restart_within_a_boot_says_how_long_it_was_silent_and_whether_it_was_stopped_in_order(
    tmp_path: Path,
) -> None:
    outbox = make_outbox(tmp_path)
    outbox.append([ping()], 5_000)
    outbox.close(Stopped.ALONE)
    outbox = make_outbox(tmp_path, mono_ms=65_000)
    outbox.close()
    outbox = make_outbox(tmp_path, mono_ms=70_000)
    starts = [row.fields for row in held_rows(outbox) if row.measurement == "boot"]
    assert [item["kind"] for item in starts] == ["boot", "restart", "restart"]
    assert [item["clean"] for item in starts] == [None, True, False]
    assert starts[1]["silent_seconds"] == 60
    outbox.close()


def test_a_new_boot_gets_the_next_number_and_names_the_one_before(tmp_path: Path) -> None:
    first = make_outbox(tmp_path)
    number, before = first.boot.number, first.boot.boot_id
    first.close()
    second = make_outbox(tmp_path, boot=OTHER_BOOT)
    assert second.boot.number == number + 1
    assert held_rows(second)[-1].fields["previous_boot_id"] == before
    second.close()


def test_what_travels_together_is_of_one_boot_and_without_a_hole(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path)
    outbox.append([ping(n) for n in range(5)], 2_000)
    outbox.acknowledge(outbox.epoch, [(3, 3)])
    outbox.close()
    outbox = make_outbox(tmp_path, boot=OTHER_BOOT)
    outbox.append([ping()], 3_000)
    found = []
    busy = IntervalSet()
    while (held := outbox.next_bulk(100, 100, {outbox.epoch: busy})) is not None:
        found.append((held.first_seq, held.last_seq, held.boot.number))
        busy.add(held.first_seq, held.last_seq)
    assert found == [(1, 2, 1), (4, 6, 1), (7, 8, 2)]
    outbox.close()


def test_the_live_lane_gets_the_newest_and_the_bulk_lane_the_oldest(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path)
    outbox.append([ping(n) for n in range(9)], 2_000)

    def span(held: Held | None) -> tuple[int, int] | None:
        return None if held is None else (held.first_seq, held.last_seq)

    assert span(outbox.next_live(4, 0, {})) == (7, 10)
    assert span(outbox.next_live(4, 8, {})) == (9, 10)
    assert span(outbox.next_live(4, 10, {})) is None
    assert span(outbox.next_bulk(4, 10, {})) == (1, 4)
    assert span(outbox.next_bulk(4, 3, {})) == (1, 3)
    assert span(outbox.between(outbox.epoch, 5, 8, 2)) == (5, 6)
    assert outbox.between("f" * 16, 5, 8, 2) is None
    outbox.close()


def test_an_anchor_is_remembered_for_a_later_boot_to_send(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path)
    anchor = Anchor(5_000, 1_750_000_000_000, 120, "server")
    outbox.set_anchor(anchor)
    outbox.close()
    outbox = make_outbox(tmp_path, boot=OTHER_BOOT)
    assert outbox.boot.anchor is None
    oldest = outbox.next_bulk(10, 10, {})
    assert oldest is not None
    assert oldest.boot.anchor == anchor
    outbox.close()


def test_rejected_rows_go_to_a_dead_letter_that_is_bounded(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path, limits=Limits(dead_letter_rows=3))
    outbox.append([ping(n) for n in range(6)], 2_000)
    outbox.reject(outbox.epoch, 2, 3, "out_of_range")
    outbox.reject(outbox.epoch, 4, 6, "conflict")
    letters = outbox.dead_letters()
    assert [(letter.row.seq, letter.reason) for letter in letters] == [(n, "conflict") for n in (4, 5, 6)]
    assert letters[0].row.fields["sent"] == 2
    assert outbox.stats().dead_letter_rows == 3
    assert seqs(held_rows(outbox)) == [1, 7]
    outbox.close()


def test_connection_numbers_grow_even_when_the_clock_goes_back_or_the_file_is_lost(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path)
    first = outbox.next_connection(1_750_000_000_000)
    assert outbox.next_connection(0) == first + 1
    outbox.close()
    outbox = make_outbox(tmp_path)
    assert outbox.next_connection(0) == first + 2
    outbox.close()
    (tmp_path / "outbox.sqlite").unlink()
    outbox = make_outbox(tmp_path)
    assert outbox.next_connection(1_750_000_100_000) > first + 2
    outbox.close()


def test_a_rewound_outbox_moves_the_rows_of_this_boot_to_a_new_epoch(tmp_path: Path) -> None:
    outbox = make_outbox(tmp_path)
    outbox.append([ping(1)], 2_000)
    old = outbox.epoch
    outbox.close()
    outbox = make_outbox(tmp_path, boot=OTHER_BOOT)
    outbox.append([ping(2), ping(3)], 2_000)
    outbox.acknowledge(old, [(4, 4)])
    outbox.move_to_new_epoch()
    assert outbox.epoch != old
    assert outbox.bounds() == (1, 2)
    assert outbox.append([ping(4)], 3_000) == (3, 3)
    first = outbox.next_bulk(100, 100, {})
    assert first is not None
    assert (first.epoch, seqs(first.rows), first.boot.number) == (old, [1, 2], 1)
    outbox.acknowledge(old, [(1, 2)])
    then = outbox.next_bulk(100, 100, {})
    assert then is not None
    assert then.epoch == outbox.epoch
    assert [row.fields.get("sent") for row in then.rows] == [None, 3, 4]
    outbox.close()
    again = make_outbox(tmp_path, boot=OTHER_BOOT)
    assert again.epoch == then.epoch
    again.close()


POISON = [
    Reading("ping", {"rtt_avg_seconds": math.nan, "sent": math.inf, "loss_ratio": 2**80}),
    Reading("ping", {"sent": 2.5, "failure": 12, "rtt_max_seconds": "slow"}),
    Reading("x" * 500, {"no good name!": 1, "own": 2**70, "b": True, "t": "x" * 5_000}),
    Reading("", {"t": "lone \ud800 surrogate"}, {"tag": "\udfff", "k" * 90: "v" * 900}),
    Reading("ping", {f"f{n}": n for n in range(400)}, {f"t{n}": "v" for n in range(40)}),
    Reading("interfaces", {"up": 7, "rx_bytes_total": -(2**62)}, {"interface": "eth0"}),
    Reading("ping", {"listed": [1, 2], "sent": {}}),  # type: ignore[dict-item]  # a probe may be wrong
    Reading("empty", {}),
]


@pytest.mark.parametrize("reading", POISON, ids=range(len(POISON)))
def test_whatever_a_probe_returns_can_be_sent(tmp_path: Path, reading: Reading) -> None:
    outbox = make_outbox(tmp_path)
    outbox.append([reading, ping(3, rtt_avg_seconds=0.1234567)], 2_000)
    held = outbox.next_bulk(10, 10, {})
    assert held is not None
    assert len(held.rows) == 3
    header = Header("village", "agent", held.epoch, 1, 3, held.boot.boot_id, 1, 0, 0, clock=ClockState.UNSYNCED)
    _, rows = decode(encode(header, held.rows))
    assert rows[2].fields == {"sent": 3, "rtt_avg_seconds": 0.12346}
    for row in rows:
        assert all(not isinstance(value, float) or math.isfinite(value) for value in row.fields.values())
    outbox.close()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("stored"), st.integers(1, 40), st.integers(0, 6)),
        st.tuples(st.just("rejected"), st.integers(1, 40), st.integers(0, 3)),
        st.tuples(st.just("reopen"), st.just(0), st.just(0)),
        st.tuples(st.just("reboot"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS)
def test_whatever_happens_seqs_have_no_gap_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("outbox")
    boots = 1
    outbox = make_outbox(folder, boot=f"{boots:032x}")
    waiting: dict[int, int | None] = {1: None}
    dead: set[int] = set()
    given_so_far = 1

    def restart() -> Outbox:
        nonlocal given_so_far
        outbox.close()
        given_so_far += 1
        waiting[given_so_far] = None
        return make_outbox(folder, boot=f"{boots:032x}")

    for number, (what, first, more) in enumerate(steps):
        if what == "append":
            span = outbox.append([ping(number)] * first, 2_000 + number)
            assert span == (given_so_far + 1, given_so_far + first)
            waiting.update(dict.fromkeys(range(span[0], span[1] + 1), number))
            given_so_far += first
        elif what == "stored":
            outbox.acknowledge(outbox.epoch, [(first, first + more)])
        elif what == "rejected":
            outbox.reject(outbox.epoch, first, first + more, "bad")
            dead |= waiting.keys() & set(range(first, first + more + 1))
        else:
            boots += what == "reboot"
            outbox = restart()
        if what in {"stored", "rejected"}:
            for seq in range(first, first + more + 1):
                waiting.pop(seq, None)
        assert outbox.bounds() == (min(waiting, default=given_so_far + 1), given_so_far)
    assert {letter.row.seq for letter in outbox.dead_letters()} == dead
    assert {row.seq: row.fields.get("sent") for row in held_rows(outbox)} == waiting
    outbox.close()
