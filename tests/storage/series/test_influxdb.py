"""What the InfluxDB store does beside the contract: failures, refusals, and what other readers see."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aldea.model.series import Aggregate, Query, SeriesStore, StoreRefused, StoreUnavailable
from aldea.storage.series import open_series_store
from builders import START_MS, make_batch, make_pings, make_row
from rigs.influxdb import InfluxDB
from rigs.victoriametrics import VictoriaMetrics

pytestmark = pytest.mark.influx

_numbers = itertools.count(1)


@pytest.fixture
def database(influxdb: InfluxDB) -> str:
    return influxdb.create_database(f"influx_{next(_numbers)}")


@pytest.fixture
def store(influxdb: InfluxDB, database: str) -> Iterator[SeriesStore]:
    opened = open_series_store(f"influxdb+{influxdb.url}/{database}?gzip=1")
    yield opened
    opened.close()


def counted(influxdb: InfluxDB, database: str, measurement: str, field: str) -> list[Any]:
    found = influxdb.query(f'SELECT count("{field}") FROM "{measurement}"', database)
    return [row[1] for series in found for row in series["values"]]


def test_others_see_plain_names_types_and_nanoseconds(store: SeriesStore, influxdb: InfluxDB, database: str) -> None:
    row = make_row(1_000_002, 5, {"sent": 3, "loss_ratio": 0.3333, "method": "icmp", "later": 4, "up": True})
    store.write([make_batch([row])])
    (series,) = influxdb.query("SELECT * FROM ping GROUP BY *", database)
    assert series["tags"] == {
        "device": "agent",
        "epoch": "01234567",
        "site": "norte-01",
        "target": "gateway",
    }
    point = dict(zip(series["columns"], series["values"][0], strict=True))
    time = (START_MS + 5) * 1_000_000 + 2
    assert point == {"time": time, "sent": 3, "loss_ratio": 0.3333, "method": "icmp", "later": 4, "up": True}
    (keys,) = influxdb.query("SHOW FIELD KEYS FROM ping", database)
    assert dict(keys["values"]) == {
        "sent": "integer",
        "loss_ratio": "float",
        "method": "string",
        "later": "float",
        "up": "boolean",
    }


def test_a_field_keeps_its_type_whatever_an_agent_sends(store: SeriesStore, influxdb: InfluxDB, database: str) -> None:
    """An odd agent's reals in a count, whole numbers in a new field: neighbours must still be stored."""
    store.write([make_batch([make_row(1, 0, {"sent": 2.5, "later": 4, "loss_ratio": 0})])])
    store.write([make_batch([make_row(1, 1, {"sent": 3, "later": 4.5, "loss_ratio": 0.5})], site="sur-02")])
    assert counted(influxdb, database, "ping", "later") == [2]
    assert counted(influxdb, database, "ping", "sent") == [2]


def test_only_the_block_that_conflicts_is_refused(store: SeriesStore, influxdb: InfluxDB, database: str) -> None:
    store.write([make_batch([make_row(1, 0, {"odd": 1.5}, measurement="new")])])
    good = [make_batch(make_pings([n * 1000], first_seq=n + 2)) for n in range(9)]
    bad = make_batch([make_row(11, 0, {"odd": "text"}, measurement="new")], site="sur-02")
    with pytest.raises(StoreRefused, match=r"new of sur-02/agent, epoch \w+, seqs 11 to 11.*type conflict") as refusal:
        store.write([*good[:4], bad, *good[4:]])
    assert "norte-01" not in str(refusal.value)
    assert counted(influxdb, database, "ping", "sent") == [9]
    assert counted(influxdb, database, "new", "odd") == [1]


def test_a_missing_database_is_not_the_datas_fault(influxdb: InfluxDB) -> None:
    store = open_series_store(f"influxdb+{influxdb.url}/never_made")
    with pytest.raises(StoreUnavailable, match="does the database 'never_made' exist"):
        store.write([make_batch(make_pings([0]))])
    with pytest.raises(StoreUnavailable, match="does the database 'never_made' exist"):
        store.catalogue("norte-01")
    store.close()


def test_a_server_that_is_down_is_unavailable_until_it_is_back(tmp_path: Path) -> None:
    with InfluxDB(tmp_path) as server:
        server.create_database("series")
        through_nginx = open_series_store(f"influxdb+{server.url}/series")
        direct = open_series_store(f"influxdb+{server.direct_url}/series")
        batch = make_batch(make_pings([0, 1000]))
        through_nginx.write([batch])
        server.stop()
        for store in (through_nginx, direct):
            with pytest.raises(StoreUnavailable):
                store.write([batch])
            with pytest.raises(StoreUnavailable):
                store.delete([batch])
            with pytest.raises(StoreUnavailable):
                store.latest("norte-01")
        server.start()
        through_nginx.write([batch])
        query = Query("norte-01", "ping", "sent", START_MS, START_MS + 5000, 3_600_000, Aggregate.COUNT)
        assert [list(series.values) for series in direct.read(query)] == [[2.0]]
        through_nginx.close()
        direct.close()


def test_a_server_that_hangs_is_unavailable(tmp_path: Path) -> None:
    with InfluxDB(tmp_path) as server:
        server.create_database("series")
        store = open_series_store(f"influxdb+{server.direct_url}/series?timeout=3")
        server.process.pause()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            store.latest("norte-01")
        server.process.resume()
        assert store.latest("norte-01") == []
        store.close()


def test_deleting_splits_around_rows_of_others_at_the_same_times(store: SeriesStore) -> None:
    """Two boots of one epoch whose times overlap: a range over the first would take rows of the second."""
    first = make_batch([make_row(seq, seq * 1000, {"sent": seq}) for seq in range(1, 6)])
    second = make_batch([make_row(seq, (seq - 5) * 1000 - 500, {"sent": seq}) for seq in range(6, 11)])
    store.write([first, second])
    store.delete([first])
    (series,) = store.read(Query("norte-01", "ping", "sent", START_MS, START_MS + 60_000))
    assert list(series.values) == [6.0, 7.0, 8.0, 9.0, 10.0]


def test_victoriametrics_takes_the_same_writes(victoriametrics: VictoriaMetrics) -> None:
    store = open_series_store(f"influxdb+{victoriametrics.url}/any?gzip=1")
    rows = make_pings([0, 60_000], targets=("gateway", "a b,c=d"), values=[0.12345, 0.5])
    row = make_row(5, 0, {"up": True, "rx_bytes": 2**40, "failure": "no_reply"}, measurement="interfaces")
    store.write([make_batch([*rows, row], site="vm-01")])
    store.write([make_batch(rows, site="vm-01")])
    found = {
        (series["metric"]["__name__"], series["metric"]["target"]): series
        for series in victoriametrics.export('{site="vm-01"}')
    }
    for target in ("gateway", "a b,c=d"):
        series = found["ping_rtt_avg_seconds", target]
        seen = dict(zip(series["timestamps"], series["values"], strict=True))
        assert seen == {START_MS: 0.12345, START_MS + 60_000: 0.5}
    assert found["interfaces_rx_bytes", "gateway"]["values"] == [2**40]
    assert found["interfaces_up", "gateway"]["values"] == [1]
    store.close()
