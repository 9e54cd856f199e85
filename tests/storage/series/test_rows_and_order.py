"""What every series store does, whichever it is: which rows are the same row, and in which order they come."""

from __future__ import annotations

from aldea.model.series import Aggregate, SeriesStore
from builders import START_MS, make_batch, make_pings
from storage.series.asking import DAY, ask, gauge, only, pairs


def test_rows_of_one_millisecond_do_not_merge(store: SeriesStore) -> None:
    store.write([make_batch([gauge(seq, 7, float(seq)) for seq in range(1, 6)])])
    assert [value for _, value in only(ask(store, "load1", "host"))] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert only(ask(store, "load1", "host", step=1000, aggregate=Aggregate.LAST)) == [(0, 5.0)]


def test_equal_seqs_of_two_epochs_are_two_rows(store: SeriesStore) -> None:
    store.write(
        [make_batch([gauge(1, 7, 1.0)], epoch="aaaaaaaa11"), make_batch([gauge(1, 7, 2.0)], epoch="bbbbbbbb11")]
    )
    found = only(ask(store, "load1", "host"))
    assert sorted(value for _, value in found) == [1.0, 2.0]
    assert only(ask(store, "load1", "host", step=1000, aggregate=Aggregate.SUM)) == [(0, 3.0)]
    assert len(store.latest("norte-01")) == len(store.catalogue("norte-01")) == 1


def test_writing_again_or_split_otherwise_changes_nothing(store: SeriesStore) -> None:
    rows = make_pings(range(0, 600_000, 30_000), targets=("gateway", "anchor"))
    store.write([make_batch(rows)])
    before = [pairs(series) for series in ask(store, "rtt_avg_seconds")]
    store.write([make_batch(rows)])
    store.write([make_batch(rows[:7]), make_batch(rows[3:20]), make_batch(rows[20:])])
    assert [pairs(series) for series in ask(store, "rtt_avg_seconds")] == before
    for step in (60_000, 3_600_000):
        counts = ask(store, "rtt_avg_seconds", step=step, aggregate=Aggregate.COUNT)
        assert [sum(float(v) for _, v in pairs(series)) for series in counts] == [20.0, 20.0]


def test_late_rows_find_their_place(store: SeriesStore) -> None:
    rows = [gauge(seq, seq * 1000, float(seq)) for seq in range(1, 31)]
    for part in (rows[20:], rows[:5], rows[10:20], rows[5:10]):
        store.write([make_batch(part)])
    assert only(ask(store, "load1", "host")) == [(seq * 1000, float(seq)) for seq in range(1, 31)]
    assert store.latest("norte-01")[0].fields == {"load1": 30.0}


def test_rows_out_of_order_within_a_batch_are_read_in_order(store: SeriesStore) -> None:
    store.write([make_batch([gauge(1, 5000, 1.0), gauge(2, 1000, 2.0), gauge(3, 3000, 3.0)])])
    assert only(ask(store, "load1", "host")) == [(1000, 2.0), (3000, 3.0), (5000, 1.0)]


def test_a_batch_can_move_in_time(store: SeriesStore) -> None:
    rows = make_pings(range(0, 300_000, 30_000), targets=("gateway", "anchor"))
    wrong, right = make_batch(rows, offset_ms=START_MS + DAY), make_batch(rows, offset_ms=START_MS)
    store.write([wrong])
    store.delete([wrong])
    store.write([right])
    for series in ask(store, "rtt_avg_seconds"):
        assert [time for time, _ in pairs(series)] == list(range(0, 300_000, 30_000))


def test_delete_takes_exactly_these_rows(store: SeriesStore) -> None:
    rows = [gauge(seq, seq % 7 * 1000, float(seq)) for seq in range(1, 31)]
    others = [
        make_batch(rows, epoch="ffffffff00"),
        make_batch(rows, site="sur-02"),
        make_batch(rows, device="router", epoch="eeeeeeee00"),
        make_batch([gauge(seq, seq % 7 * 1000, float(seq), interface="eth0") for seq in range(31, 61)]),
    ]
    store.write([make_batch(rows), *others])
    gone = set(range(9, 20))
    store.delete([make_batch(rows[8:19])])
    for moved in (1000, 60_000):  # these rows, but at times where they are not: nothing happens
        store.delete([make_batch(rows[:5], offset_ms=START_MS + moved)])
    found = {(s.device, s.tags): sorted(v for _, v in pairs(s)) for s in ask(store, "load1", "host")}
    everything = [float(seq) for seq in range(1, 31)]
    kept = [float(seq) for seq in range(1, 31) if seq not in gone]
    assert found["agent", ()] == sorted([*everything, *kept])
    assert found["agent", (("interface", "eth0"),)] == [float(seq) for seq in range(31, 61)]
    assert found["router", ()] == everything
    assert sorted(v for _, v in only(ask(store, "load1", "host", site="sur-02"))) == everything
