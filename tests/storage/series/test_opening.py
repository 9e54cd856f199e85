"""The store's URL: what opens what, and the sentence for each mistake."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from aldea.model.series import StoreUnavailable
from aldea.storage.series import open_series_store
from aldea.storage.series.opening import influx_address


def test_a_file_is_made_with_its_folders(tmp_path: Path) -> None:
    open_series_store(f"sqlite:///{tmp_path}/a%20b/series.db").close()
    assert (tmp_path / "a b" / "series.db").exists()


def test_a_relative_path_is_taken_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    open_series_store("sqlite:///data/series.db").close()
    assert (tmp_path / "data" / "series.db").exists()


def test_a_file_that_is_no_series_file_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "series.db").write_text("not a database, but long enough to be read as one" * 50)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_series_store(f"sqlite:///{tmp_path}/series.db")


def test_an_influxdb_url_holds_all_that_is_needed() -> None:
    address = influx_address(
        urlsplit("influxdb+https://p%40ss%2F:w%3Ard@db.example:8086/my%20bucket?org=a&timeout=2.5")
    )
    assert (address.url, address.database, address.org) == ("https://db.example:8086", "my bucket", "a")
    assert (address.token, address.user, address.password) == ("", "p@ss/", "w:rd")
    assert (address.gzip, address.timeout_seconds) == (True, 2.5)
    address = influx_address(urlsplit("influxdb+http://to%3Aken@[::1]:8086/b"))
    assert (address.url, address.token, address.user, address.gzip) == ("http://[::1]:8086", "to:ken", "", False)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "begins with 'nothing'"),
        ("postgresql://db/x", "begins with 'postgresql'"),
        ("sqlite://series.db", "sqlite:/// and a path"),
        ("sqlite:///", "sqlite:/// and a path"),
        ("influxdb+http://host:8086", "a host and one database"),
        ("influxdb+http:///database", "a host and one database"),
        ("influxdb+http://host:80860/x", "port"),
        ("influxdb+http://host/x?gzip=yes", "gzip is 'yes'"),
        ("influxdb+http://host/x?timeout=soon", "timeout is 'soon'"),
        ("influxdb+http://host/x?bucket=y", "unknown option 'bucket'"),
    ],
)
def test_a_url_that_opens_nothing_gets_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        open_series_store(url)
