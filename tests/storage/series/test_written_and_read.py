"""What every series store does, whichever it is: what is written is read, by what was asked for."""

from __future__ import annotations

from aldea.model.sample import Value
from aldea.model.series import SeriesStore
from builders import make_batch, make_pings, make_row
from storage.series.asking import ask, only, pairs

NASTY = "a b,c=d \"quoted\" \\back\\ 'single' %0A %25 # ñandú 日本 \U0001f33d \t\nsecond line\\"


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
