"""`aldea alerts` as a process of its own, two of them, while another process writes both SQLite files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from aldea.model.clock import SystemClock
from aldea.storage.register.truth import read_intervals
from aldea.storage.register.watched import watched_sites
from rigs.waiting import eventually
from settlingkit.station import DAY, HOUR, MINUTE, Station

if TYPE_CHECKING:
    from pathlib import Path


def _started(command: list[str], environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as file:
        return subprocess.Popen(command, env=environ, stdout=file, stderr=subprocess.STDOUT, cwd=log.parent)


def test_two_judging_processes_work_beside_one_that_writes_all_the_time(tmp_path: Path) -> None:
    station = Station(tmp_path)
    now = SystemClock().wall_ms()
    station.clock.step_wall(now - station.clock.wall_ms())
    station.report(now)
    station.add_since("uno", now - 3 * DAY, "America/Merida")
    command = [sys.executable, "-m", "aldea.deploy.cli", "alerts"]
    environ = {**os.environ, "ALDEA_DATA": str(tmp_path), "ALDEA_SERIES_URL": f"sqlite:///{tmp_path / 'series.db'}"}
    logs = [tmp_path / f"judging-{number}.log" for number in range(2)]
    judging = [_started(command, environ, log) for log in logs]
    try:
        start, deadline, settled = now - 2 * DAY, time.monotonic() + 180, 0
        while settled < 4 * HOUR and time.monotonic() < deadline:
            station.clock.step_wall(SystemClock().wall_ms() - station.clock.wall_ms())
            if start < now - 2 * DAY + 5 * HOUR:
                station.deliver("uno", station.rows([(start, start + 10 * MINUTE, "good")]), booted_ms=now - 3 * DAY)
                start += 10 * MINUTE
            else:
                station.report(station.clock.wall_ms())
            with station.register.reading() as unit:
                assert "uno" in watched_sites(unit, now)
                found = read_intervals(unit, ["uno"], now - 3 * DAY, now)
            settled = sum(one.end_ms - one.start_ms for one in found if one.state == "up")
            time.sleep(0.02)
        # Before that a signal is the end of a process, in no order.
        eventually(lambda: all("judging, with" in log.read_text() for log in logs))
    finally:
        for process in judging:
            process.send_signal(signal.SIGTERM)
        for process in judging:
            process.wait(60)
        said = [log.read_text() for log in logs]
        station.close()
    assert settled >= 4 * HOUR, said
    for text in said:
        assert "Traceback" not in text, text
        assert "locked" not in text, text
    assert [process.returncode for process in judging] == [0, 0]
