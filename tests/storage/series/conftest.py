"""The two stores, each empty for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from aldea.model.series import SeriesStore
from aldea.storage.series import open_series_store
from rigs.influxdb import InfluxDB

_numbers = itertools.count(1)


def influx_url(influxdb: InfluxDB, database: str, options: str = "") -> str:
    return f"influxdb+{influxdb.url}/{database}{options}"


@pytest.fixture(params=["sqlite", pytest.param("influxdb", marks=pytest.mark.influx)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeriesStore]:
    """A store without any row: first the file, then the server."""
    if request.param == "sqlite":
        opened = open_series_store(f"sqlite:///{tmp_path}/series.db")
    else:
        influxdb: InfluxDB = request.getfixturevalue("influxdb")
        database = influxdb.create_database(f"series_{next(_numbers)}")
        opened = open_series_store(influx_url(influxdb, database, "?gzip=1"))
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "series.db"
