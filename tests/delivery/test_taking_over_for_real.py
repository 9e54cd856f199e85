"""A box is replaced: real agents, a real broker and a real collector, and the command as a technician types it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from agentkit.settings_text import quick_settings
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.storage.register.streams import streams_of
from aldea.storage.series import open_series_store
from collectorkit.desk import make_register
from rigs.processes import free_port
from rigs.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aldea.storage.register import Register
    from aldea.storage.register.streams import Stream
    from rigs.mosquitto import Mosquitto

pytestmark = pytest.mark.mosquitto


@contextmanager
def running_box(folder: Path, broker: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run an agent over `folder`/data; it is killed in the end, as by a power cut, if it still runs."""
    folder.mkdir(exist_ok=True)
    settings = quick_settings("yaxcaba", folder / "data", broker, "[agent.http]\nenabled = false\n")
    (folder / "aldea.toml").write_text(settings, encoding="utf-8")
    command = [sys.executable, "-m", "aldea.agents", "run", "--config", str(folder / "aldea.toml")]
    with (folder / "agent.log").open("w") as log:
        process = subprocess.Popen(command, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait(60)


def held(folder: Path) -> dict[str, int]:
    """Return how many rows wait in an outbox, by epoch."""
    path = folder / "data/outbox.sqlite"
    if not path.exists():
        return {}
    query = "SELECT e.name, count(*) FROM waiting w JOIN epoch e ON e.id = w.epoch_id GROUP BY e.name"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return dict(db.execute(query).fetchall())
    except sqlite3.OperationalError:  # it is just being made
        return {}


def stream(register: Register, epoch: str) -> Stream | None:
    with register.reading() as unit:
        return next((item for item in streams_of(unit, "yaxcaba") if item.epoch == epoch), None)


def test_what_a_dead_box_held_arrives_by_the_new_one_and_nothing_is_open(tmp_path: Path, mosquitto: Mosquitto) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    with running_box(old, free_port()):  # nobody listens there: the link is cut
        eventually(lambda: sum(held(old).values()) >= 20)
    ((epoch, rows),) = held(old).items()
    shutil.copytree(old / "data", tmp_path / "usb/var/lib/aldea-agent")
    register = make_register(tmp_path, "yaxcaba")
    store = open_series_store(f"sqlite:///{tmp_path / 'series.db'}")
    collector = Collector(
        "c", tmp_path / "collector", BrokerAddress(port=mosquitto.port), register, store, SystemClock()
    )
    collector.start()
    try:
        with running_box(new, mosquitto.port) as agent:
            take = [sys.executable, "-m", "aldea.agents", "take-over", str(tmp_path / "usb"), "--yes"]
            eventually(lambda: len(list_of(register)) >= 1)
            done = subprocess.run(
                [*take, "--config", str(new / "aldea.toml")],
                capture_output=True,
                text=True,
                env={**os.environ, "LC_ALL": "C"},
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            assert f"Taken over: {rows} rows." in done.stdout
            eventually(lambda: (found := stream(register, epoch)) is not None and found.stored_rows == rows)
            eventually(lambda: epoch not in held(new))  # acknowledged
            agent.terminate()
            assert agent.wait(60) == 0
        arrived = stream(register, epoch)
        assert arrived is not None
        assert (arrived.stored_rows, arrived.open_rows, arrived.lost_rows) == (rows, 0, 0)
        assert len(list_of(register)) == 2
    finally:
        collector.stop()
        store.close()
        register.close()


def list_of(register: Register) -> tuple[Stream, ...]:
    """Return the site's streams."""
    with register.reading() as unit:
        return streams_of(unit, "yaxcaba")
