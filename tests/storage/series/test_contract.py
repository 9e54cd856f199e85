"""What every series store does, whichever it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aldea.model.columns import TimedBatch
from aldea.model.sample import Row, Value
from aldea.model.series import Aggregate, Query, Series, SeriesStore
from builders import START_MS, make_batch, make_pings, make_row

DAY = 86_400_000
NASTY = "a b,c=d \"quoted\" \\back\\ 'single' %0A %25 # ñandú 日本 \U0001f33d \t\nsecond line\\"


def ask(
    store: SeriesStore,
    field: str,
    measurement: str = "ping",
    *,
    site: str = "norte-01",
    start: int = -DAY,
    end: int = 400 * DAY,
    step: int | None = None,
    aggregate: Aggregate = Aggregate.MEAN,
    device: str | None = None,
    **tags: str,
) -> list[Series]:
    query = Query(site, measurement, field, START_MS + start, START_MS + end, step, aggregate, tags, device)
    return store.read(query)


def pairs(series: Series) -> list[tuple[int, float | str]]:
    values: Sequence[float | str] = series.values if isinstance(series.values, list) else series.values.tolist()
    return [(time - START_MS, value) for time, value in zip(series.times_ms.tolist(), values, strict=True)]


def only(found: list[Series]) -> list[tuple[int, float | str]]:
    assert len(found) == 1
    return pairs(found[0])


def gauge(seq: int, at: int, value: Value, *, name: str = "load1", **tags: str) -> Row:
    return make_row(seq, at, {name: value}, measurement="host", tags=tags)


# ------------------------------------------------------------------------------- what is written is read


def test_every_kind_of_value_comes_back(store: SeriesStore) -> None:
    fields: dict[str, Value] = {
        "load1": 1.25,
        "uptime_seconds": 4_000_000_000,
        "clock": "ntp",
        "up": True,
        "later_reading": 0.123456,
        "later_count": -7,
    }
    store.write([make_batch([make_row(1, 5, fields, measurement="host", tags={})])])
    for name, value in fields.items():
        expected = value if isinstance(value, str) else float(value or 0)
        assert only(ask(store, name, "host")) == [(5, expected)]


def test_a_failed_reading_is_a_row_without_its_numbers(store: SeriesStore) -> None:
    rows = [
        make_row(1, 0, {"rtt_avg_seconds": 0.25}),
        make_row(2, 60_000, {"failure": "no_reply", "rtt_avg_seconds": None}),
        make_row(3, 120_000, {"rtt_avg_seconds": 0.5}),
    ]
    store.write([make_batch(rows)])
    assert only(ask(store, "rtt_avg_seconds")) == [(0, 0.25), (120_000, 0.5)]
    assert only(ask(store, "failure")) == [(60_000, "no_reply")]


def test_a_row_that_says_nothing_does_no_harm(store: SeriesStore) -> None:
    store.write([make_batch([make_row(1, 0, {}), make_row(2, 1, {"sent": 3})])])
    store.write([make_batch([make_row(3, 2, {}, measurement="agent", tags={})])])
    assert only(ask(store, "sent")) == [(1, 3.0)]
    assert ask(store, "present") == []


def test_texts_with_any_character_come_back(store: SeriesStore) -> None:
    texts = [NASTY, "", "\\", '"', "plain", " ", "\n", "ends with \\", '\\"']
    rows = [make_row(n + 1, n, {"version": text}, measurement="boot", tags={}) for n, text in enumerate(texts)]
    store.write([make_batch(rows)])
    assert [value for _, value in only(ask(store, "version", "boot"))] == texts


def test_tags_and_measurements_with_any_character_come_back(store: SeriesStore) -> None:
    tags = {"target": NASTY, "a key, with=all": "x\\", "url": "https://example.org/a%20b?c=d,e", "role": "%5C\\"}
    store.write([make_batch([make_row(1, 0, {"sent": 1}, measurement='# odd, "name"\\', tags=tags)])])
    (series,) = ask(store, "sent", '# odd, "name"\\', target=NASTY)
    assert dict(series.tags) == tags
    assert dict(store.latest("norte-01")[0].tags) == tags


def test_a_rows_own_tags_and_fields_may_have_our_names(store: SeriesStore) -> None:
    tags = {"site": "elsewhere", "device": "router", "epoch": "x", "time": "y", "row_site": "z"}
    fields: dict[str, Value] = {"time": 4.5, "present": True, "row_time": 2.5, "target": 1.5}
    store.write([make_batch([make_row(1, 0, fields, tags={**tags, "target": "t"})])])
    for name, value in fields.items():
        (series,) = ask(store, name, target="t", site="norte-01")
        assert pairs(series) == [(0, value)]
        assert dict(series.tags) == {**tags, "target": "t"}
    (latest,) = store.latest("norte-01")
    assert (latest.device, dict(latest.fields)) == ("agent", fields)


def test_an_unknown_site_measurement_or_field_is_empty(store: SeriesStore) -> None:
    store.write([make_batch([make_row(1, 0, {"sent": 1})])])
    assert ask(store, "sent", site="nowhere") == []
    assert ask(store, "sent", "dns") == []
    assert ask(store, "received") == []
    assert ask(store, "never_heard_of") == []
    assert (store.latest("nowhere"), store.catalogue("nowhere")) == ([], [])


def test_tags_and_device_choose_series(store: SeriesStore) -> None:
    store.write([make_batch(make_pings([0, 60_000], targets=("gateway", "anchor")))])
    store.write([make_batch(make_pings([0]), device="router", epoch="feedfeed")])
    assert [(s.device, dict(s.tags)["target"]) for s in ask(store, "sent")] == [
        ("agent", "anchor"),
        ("agent", "gateway"),
        ("router", "gateway"),
    ]
    assert len(ask(store, "sent", target="gateway")) == 2
    assert [s.device for s in ask(store, "sent", device="router")] == ["router"]
    assert ask(store, "sent", target="gateway", role="anchor") == []


def test_a_range_includes_its_start_and_not_its_end(store: SeriesStore) -> None:
    store.write([make_batch(make_pings([0, 1000, 2000, 3000]))])
    assert [time for time, _ in only(ask(store, "sent", start=1000, end=3000))] == [1000, 2000]
    assert ask(store, "sent", start=4000, end=5000) == []


# --------------------------------------------------------------------------------------------- by steps


@pytest.mark.parametrize("step", [300_000, 3_600_000, 7_200_000, DAY, 7 * DAY])
def test_steps_have_each_aggregate_and_start_at_multiples(store: SeriesStore, step: int) -> None:
    rng = np.random.default_rng(5)
    times = np.sort(rng.choice(3 * DAY, 400, replace=False))
    values = rng.integers(1, 1000, 400) / 100
    rows = [gauge(n + 1, int(t), float(v)) for n, (t, v) in enumerate(zip(times, values, strict=True))]
    store.write([make_batch(rows[:150]), make_batch(rows[150:])])
    expected: dict[int, list[float]] = {}
    for time, value in zip(times.tolist(), values.tolist(), strict=True):
        stamp = (START_MS + time) // step * step - START_MS
        expected.setdefault(stamp, []).append(value)
    figures: dict[Aggregate, Callable[[list[float]], float]] = {
        Aggregate.MEAN: lambda v: sum(v) / len(v),
        Aggregate.MIN: min,
        Aggregate.MAX: max,
        Aggregate.SUM: sum,
        Aggregate.COUNT: len,
        Aggregate.LAST: lambda v: v[-1],
    }
    for aggregate, figure in figures.items():
        found = only(ask(store, "load1", "host", step=step, aggregate=aggregate))
        assert [time for time, _ in found] == list(expected)
        assert [value for _, value in found] == pytest.approx([figure(v) for v in expected.values()])


def test_a_step_holds_only_what_is_in_the_range(store: SeriesStore) -> None:
    store.write([make_batch([gauge(n + 1, n * 600_000, float(n)) for n in range(12)])])
    found = only(ask(store, "load1", "host", start=600_000, end=4_200_000, step=3_600_000, aggregate=Aggregate.COUNT))
    assert found == [(0, 5.0), (3_600_000, 1.0)]


def test_flags_and_texts_have_steps_too(store: SeriesStore) -> None:
    rows = [
        make_row(n + 1, n * 1000, {"up": n % 3 == 0, "failure": f"word-{n}"}, measurement="interfaces")
        for n in range(6)
    ]
    store.write([make_batch(rows)])
    for aggregate, values in (
        (Aggregate.MEAN, [1 / 3, 1 / 3]),
        (Aggregate.SUM, [1.0, 1.0]),
        (Aggregate.MAX, [1.0, 1.0]),
        (Aggregate.LAST, [0.0, 0.0]),
    ):
        found = only(ask(store, "up", "interfaces", step=3000, aggregate=aggregate))
        assert [value for _, value in found] == pytest.approx(values)
    assert only(ask(store, "failure", "interfaces", step=3000, aggregate=Aggregate.LAST)) == [
        (0, "word-2"),
        (3000, "word-5"),
    ]
    assert only(ask(store, "failure", "interfaces", step=3000, aggregate=Aggregate.COUNT)) == [
        (0, 3.0),
        (3000, 3.0),
    ]
    with pytest.raises(ValueError, match="texts, which have no mean"):
        ask(store, "failure", "interfaces", step=3000, aggregate=Aggregate.MEAN)


# ------------------------------------------------------------------------------ rows and their identity


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


# ----------------------------------------------------------------------------- sites as a whole, upkeep


def test_a_site_leaves_and_its_neighbours_stay(store: SeriesStore) -> None:
    for site in ("norte-01", "norte-011", "sur-02"):
        store.write([make_batch(make_pings([0, 1000]), site=site), make_batch([gauge(9, 0, 1.0)], site=site)])
    store.delete_site("norte-01")
    assert (store.latest("norte-01"), store.catalogue("norte-01"), ask(store, "sent")) == ([], [], [])
    for site in ("norte-011", "sur-02"):
        assert len(only(ask(store, "sent", site=site))) == 2
        assert len(store.catalogue(site)) == 2
    store.write([make_batch(make_pings([0]))])
    assert only(ask(store, "sent")) == [(0, 3.0)]


def test_latest_is_the_newest_row_of_each_series(store: SeriesStore) -> None:
    failed = make_row(4, 60_000, {"failure": "no_reply", "sent": 3, "received": 0}, tags={"target": "anchor"})
    first = make_pings([0], targets=("gateway", "anchor"))
    store.write([make_batch([*first, make_row(3, 60_000, {"up": True}, measurement="interfaces", tags={}), failed])])
    found = {(latest.measurement, latest.tags): latest for latest in store.latest("norte-01")}
    assert len(found) == 3
    assert found["ping", (("target", "anchor"),)].fields == {"failure": "no_reply", "sent": 3, "received": 0}
    assert found["ping", (("target", "gateway"),)].fields == dict(first[0].fields)
    assert found["interfaces", ()].time_ms == START_MS + 60_000
    assert found["interfaces", ()].fields == {"up": True}


def test_latest_does_not_hide_behind_a_batch_that_began_later(store: SeriesStore) -> None:
    store.write([make_batch([gauge(1, 0, 1.0), gauge(2, 10_000, 2.0)]), make_batch([gauge(3, 5000, 3.0)])])
    (latest,) = store.latest("norte-01")
    assert (latest.time_ms, latest.fields) == (START_MS + 10_000, {"load1": 2.0})


def test_the_catalogue_lists_the_fields_of_each_series(store: SeriesStore) -> None:
    store.write([make_batch([make_row(1, 0, {"sent": 3}), make_row(2, 9, {"failure": "no_reply"})])])
    store.write([make_batch([gauge(3, 0, 1.0)])])
    found = [(info.measurement, info.tags, info.fields) for info in store.catalogue("norte-01")]
    assert found == [("host", (), ("load1",)), ("ping", (("target", "gateway"),), ("failure", "sent"))]


def test_trim_removes_what_is_older(store: SeriesStore) -> None:
    rows = [gauge(n + 1, n * DAY // 2, float(n)) for n in range(10)]
    store.write([make_batch(rows[:5]), make_batch(rows[5:])])
    store.trim(START_MS + 2 * DAY)
    assert [time for time, _ in only(ask(store, "load1", "host"))] == [n * DAY // 2 for n in range(4, 10)]


def test_an_empty_write_is_nothing(store: SeriesStore) -> None:
    store.write([])
    store.write([make_batch([])])
    store.delete([make_batch([])])
    assert store.catalogue("norte-01") == []


# -------------------------------------------------------------------------------- anything, any number


_values: st.SearchStrategy[Value] = st.none() | st.floats(-1e6, 1e6).map(lambda value: round(value, 2))
_texts = st.text(st.characters(codec="utf-8"), max_size=20)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    data=st.lists(
        st.tuples(st.integers(0, 10**8), _values, st.none() | _texts, st.sampled_from(["a", "b"])),
        min_size=1,
        max_size=30,
    ),
    cut=st.integers(0, 30),
    overlap=st.integers(0, 5),
)
def test_whatever_is_written_comes_back(
    store: SeriesStore, data: list[tuple[int, Value, str | None, str]], cut: int, overlap: int
) -> None:
    store.delete_site("norte-01")
    rows = [
        make_row(seq, at, {"load1": real, "clock": text}, measurement="host", tags={"part": part})
        for seq, (at, real, text, part) in enumerate(data, start=1)
    ]
    cut = min(cut, len(rows))
    batches = [make_batch(part) for part in (rows[:cut], rows[max(0, cut - overlap) :]) if part]
    store.write(batches)
    for column, place in (("load1", 1), ("clock", 2)):
        for part in ("a", "b"):
            expected = [
                (row[0], seq, row[place]) for seq, row in enumerate(data) if row[3] == part and row[place] is not None
            ]
            expected.sort(key=lambda item: item[:2])
            found = ask(store, column, "host", part=part)
            assert [pair for series in found for pair in pairs(series)] == [
                (at, pytest.approx(value) if isinstance(value, float) else value) for at, _, value in expected
            ]


def test_readers_and_a_writer_work_at_once(store: SeriesStore) -> None:
    batches = [make_batch(make_pings(range(n * 1000, n * 1000 + 1000, 100), first_seq=1 + n * 10)) for n in range(30)]
    stop = threading.Event()
    problems: list[str] = []

    def watch() -> None:
        seen = 0
        while not stop.is_set():
            count = sum(len(series.times_ms) for series in ask(store, "rtt_avg_seconds"))
            if count < seen or count % 10:
                problems.append(f"{count} rows after {seen}")
            seen = count
            store.latest("norte-01")

    watchers = [threading.Thread(target=watch) for _ in range(3)]
    for thread in watchers:
        thread.start()
    written: list[TimedBatch] = []
    for batch in batches:
        store.write([batch])
        written.append(batch)
        assert len(only(ask(store, "rtt_avg_seconds"))) == 10 * len(written)
    stop.set()
    for thread in watchers:
        thread.join()
    assert problems == []
