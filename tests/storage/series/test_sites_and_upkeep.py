"""What every series store does, whichever it is: a site as a whole, its newest rows, and what is removed."""

from __future__ import annotations

from aldea.model.series import SeriesStore
from builders import START_MS, make_batch, make_pings, make_row
from storage.series.asking import DAY, ask, gauge, only


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
