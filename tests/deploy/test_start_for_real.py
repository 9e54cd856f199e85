"""The simulated fleet leaves, and a search through every table and the series finds nothing of it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from aldea.deploy.allinone.seeding import demo_is_wanted, register_fleet, register_this_machine
from aldea.deploy.realstart.leaving import leave
from aldea.deploy.realstart.retained import forget_retained
from aldea.model.clock import ManualClock
from aldea.storage.register import open_register
from aldea.storage.register.sites import count_sites
from aldea.storage.series import open_series_store
from rigs.home import STAY_HOME, without_aldea
from rigs.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AUDIT = "audit_entry"
"""What people did stays on record; no table but this may still say a simulated site's name."""

pytestmark = pytest.mark.timeout(1_800)


def traces(file: Path) -> dict[str, int]:
    """Return, by table, how many rows of an SQLite file name a simulated site or are marked as simulated."""
    found: dict[str, int] = {}
    with closing(sqlite3.connect(file)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor:
                marked = "simulated" in names and row[names.index("simulated")] == 1
                named = any("sim-" in value for value in row if isinstance(value, str))
                named = named or any(b"sim-" in value for value in row if isinstance(value, bytes))
                if marked or named:
                    found[table] = found.get(table, 0) + 1
    found.pop(AUDIT, None)
    return found


@contextmanager
def aldea_up(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    (folder / "aldea.toml").write_text(STAY_HOME)
    port = free_port()
    environ = without_aldea() | {
        "ALDEA_HTTP_PORT": str(port),
        "ALDEA_MQTT_PORT": str(free_port()),
        "ALDEA_DATA": str(folder / "data"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "aldea.deploy.cli", "up"],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until(lambda: answers(port), 180)
        yield process, port
    finally:
        process.terminate()
        process.communicate(timeout=120)


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=60):
            return True
    except OSError:
        return False


def wait_until(condition: object, seconds: float) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aldea.deploy.cli", *words],
        env={**os.environ, "ALDEA_DATA": str(folder / "data")},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def test_while_it_runs_the_fleet_leaves_without_a_trace_and_stays_away(tmp_path: Path) -> None:
    register, series = tmp_path / "data" / "register.db", tmp_path / "data" / "series.db"
    with aldea_up(tmp_path):
        wait_until(lambda: {"feed", "site_status", "stream"} <= traces(register).keys() and traces(series), 180)
        done = command(tmp_path, "start-for-real", "--yes")
        assert done.returncode == 0, done.stderr
        assert "The 76 simulated sites have left." in done.stdout
        assert traces(register) == {}
        assert traces(series) == {}
        assert not (tmp_path / "data" / "simulator" / "simulated-fleet.json").exists()
    assert traces(register) == {}
    with aldea_up(tmp_path):
        wait_until(lambda: _site_is_up(register), 180)
        assert traces(register) == {}
        assert traces(series) == {}


def _site_is_up(register: Path) -> bool:
    with closing(sqlite3.connect(register)) as connection:
        found = connection.execute("SELECT COUNT(*) FROM site_status WHERE last_event_ms IS NOT NULL").fetchone()
    return bool(found[0])


def test_with_nothing_running_the_real_site_stays_and_it_may_be_asked_twice(tmp_path: Path) -> None:
    register = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    register.migrate()
    series = open_series_store(f"sqlite:///{tmp_path / 'series.db'}")
    clock = ManualClock(1_795_366_800_000)
    register_this_machine(register, clock)
    register_fleet(register, clock)
    (tmp_path / "simulator").mkdir()
    assert demo_is_wanted(register, asked=True)
    assert leave(register, series, tmp_path / "simulator", lambda *_: None) == 76
    assert leave(register, series, tmp_path / "simulator", lambda *_: None) == 0
    with register.reading() as unit:
        assert count_sites(unit, simulated=False) == 1
    assert not demo_is_wanted(register, asked=True)
    assert traces(tmp_path / "register.db") == {}
    series.close()
    register.close()


def test_it_asks_before_it_removes(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert command(tmp_path, "migrate").returncode == 0
    said = command(tmp_path, "start-for-real")
    assert (said.returncode, "answer with --yes" in said.stderr) == (1, True)


def test_a_broker_that_is_away_gets_a_sentence() -> None:
    with pytest.raises(RuntimeError, match="cannot be told to forget"):
        forget_retained("127.0.0.1", free_port(), [("sim-x", "agent")])
