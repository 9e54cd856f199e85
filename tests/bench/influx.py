"""How near the InfluxDB store comes to what the same server takes when it is handed the same lines in bulk."""

from __future__ import annotations

import http.client
import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aldea.collector.journal.reader import MOST_BYTES
from aldea.collector.mqtt import BrokerAddress
from aldea.collector.series_follower import GROUP_ENTRIES
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.model.columns import TimedBatch, decode_columns
from aldea.storage.register import open_register
from aldea.storage.register.sites import add_sites
from aldea.storage.series import open_series_store
from aldea.storage.series.influx.lines import block_lines
from aldea.storage.series.influx.store import REQUESTS_AT_ONCE
from bench.ingest import AGENTS, batches, packets, publish, site_entry
from bench.report import CannotMeasure, Figure
from bench.village import wait_until
from rigs.influxdb import InfluxDB
from rigs.mosquitto import Mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROWS_A_MESSAGE = 300
LINES_A_REQUEST = 10_000
SHARE_BUDGET = 80.0


def section(*, quick: bool) -> list[Figure]:
    """Load the same rows a few ways, by turns, each into an empty database; the best of each counts."""
    messages = (100_000 if quick else 200_000) // ROWS_A_MESSAGE // AGENTS * AGENTS
    made = batches(ROWS_A_MESSAGE, messages)
    timed = [_timed(payload) for _, payload in made]
    rows = len(made) * ROWS_A_MESSAGE
    at_once = min(GROUP_ENTRIES, MOST_BYTES // len(made[0][1]) + 1)
    requests, published = list(_requests(timed)), packets(made)
    loader = shutil.which("influx")
    ceilings, ours, whole, loaded = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="aldea-bench-") as folder, InfluxDB(Path(folder) / "influxdb") as server:
        for turn in range(2 if quick else 5):
            ceilings.append(rows / _in_bulk(server, requests, rows))
            ours.append(rows / _by_the_store(server, timed, rows, at_once))
            if loader is not None:
                loaded.append(rows / _by_its_loader(server, loader, requests, rows, Path(folder) / "lines"))
            whole.append(rows / _by_the_collector(server, published, rows, Path(folder) / f"turn-{turn}"))
    pace = max(ceilings)
    words = f"ready-made lines straight to /write, over {REQUESTS_AT_ONCE} connections as the store has"
    figures = [
        Figure("ready-made lines: the server's pace", pace, "rows/s", note=_note(ceilings, words)),
        _share("the store's write path, of that pace", ours, pace, "decoded batches to the store, behind a proxy"),
    ]
    whole_words, of = "broker, collector, publisher and database on the same cores", "that pace"
    if loaded:
        pace, of = max(loaded), "its bulk loader's"
        words = "influx -import of a file with the same lines"
        figures.append(Figure("the server's own bulk loader", pace, "rows/s", note=_note(loaded, words)))
    figures.append(_share(f"agents to broker, journal and InfluxDB, of {of}", whole, pace, whole_words))
    return figures


def _share(what: str, rates: Sequence[float], pace: float, words: str) -> Figure:
    return Figure(what, 100 * max(rates) / pace, "%", SHARE_BUDGET, at_least=True, note=_note(rates, words))


def _note(rates: Sequence[float], words: str) -> str:
    return f"{words}: best of {', '.join(f'{rate:,.0f}' for rate in rates)} rows/s"


def _timed(payload: bytes) -> TimedBatch:
    batch = decode_columns(payload)
    assert batch.header.anchor is not None
    return TimedBatch(batch, batch.header.anchor.offset_ms)


def _requests(timed: Sequence[TimedBatch]) -> Iterator[bytes]:
    """Yield the rows as line protocol, in large requests."""
    texts: list[bytes] = []
    rows = 0
    for batch in timed:
        for block in batch.batch.blocks:
            if rows + block.spec.rows > LINES_A_REQUEST:
                yield b"\n".join(texts)
                texts, rows = [], 0
            texts.append(block_lines(batch, block).text)
            rows += block.spec.rows
    yield b"\n".join(texts)


def _in_bulk(server: InfluxDB, requests: Sequence[bytes], rows: int) -> float:
    """Post ready-made lines straight to influxd over as many connections as the store uses; return the seconds."""
    name = server.create_database("bulk")
    address = urlsplit(server.direct_url).netloc

    def post(bodies: Sequence[bytes]) -> None:
        connection = http.client.HTTPConnection(address, timeout=60)
        for body in bodies:
            connection.request("POST", f"/write?db={name}&precision=n", body)
            response = connection.getresponse()
            said = response.read()
            if response.status != 204:
                raise CannotMeasure(f"influxd answered {response.status}: {said[:200]!r}")
        connection.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        list(pool.map(post, [requests[first::REQUESTS_AT_ONCE] for first in range(REQUESTS_AT_ONCE)]))
    return _checked(server, name, rows, time.perf_counter() - started)


def _by_its_loader(server: InfluxDB, loader: str, requests: Sequence[bytes], rows: int, file: Path) -> float:
    """Have the server's own client import a file of the lines; return the seconds."""
    name = server.create_database("loaded")
    file.write_bytes(b"\n".join([b"# DDL", b"# DML", f"# CONTEXT-DATABASE: {name}".encode(), *requests, b""]))
    address = urlsplit(server.direct_url)
    where = ["-host", str(address.hostname), "-port", str(address.port), "-precision", "ns"]
    environment = {**os.environ, "HOME": str(file.parent)}
    started = time.perf_counter()
    done = subprocess.run(
        [loader, *where, "-import", "-path", str(file)], env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode:
        raise CannotMeasure(f"influx -import ended with {done.returncode}: {done.stderr[-200:]}")
    return _checked(server, name, rows, seconds)


def _by_the_store(server: InfluxDB, timed: Sequence[TimedBatch], rows: int, at_once: int) -> float:
    """Write decoded batches as the collector hands them over, `at_once` of them; return the seconds."""
    name = server.create_database("store")
    store = open_series_store(f"influxdb+{server.url}/{name}")
    started = time.perf_counter()
    for first in range(0, len(timed), at_once):
        store.write(timed[first : first + at_once])
    seconds = time.perf_counter() - started
    store.close()
    return _checked(server, name, rows, seconds)


def _by_the_collector(server: InfluxDB, made: Sequence[bytes], rows: int, folder: Path) -> float:
    """Publish the batches to a broker; return the seconds until the last row is in InfluxDB."""
    name = server.create_database("whole")
    folder.mkdir()
    with ExitStack() as stack:
        register = open_register(f"sqlite:///{folder / 'register.db'}")
        stack.callback(register.close)
        register.migrate()
        with register.transaction() as unit:
            add_sites(unit, [site_entry(number) for number in range(AGENTS)])
        store = open_series_store(f"influxdb+{server.url}/{name}")
        stack.callback(store.close)
        settings = ["max_queued_messages 100000", "max_inflight_messages 2000"]
        broker = stack.enter_context(Mosquitto(folder / "broker", settings))
        address = BrokerAddress(port=broker.port)
        collector = Collector("bench", folder / "data", address, register, store, SystemClock())
        collector.start()
        stack.callback(collector.stop)
        wait_until(lambda: collector.status().connected, "the collector is not connected")
        context = multiprocessing.get_context("fork")
        ready, go = context.Event(), context.Event()
        process = context.Process(target=publish, args=(broker.port, made, ready, go), daemon=True)
        process.start()
        ready.wait()
        started = time.perf_counter()
        go.set()
        wait_until(lambda: collector.status().series_position >= len(made), "the collector did not finish", 120)
        seconds = time.perf_counter() - started
        process.join()
    return _checked(server, name, rows, seconds)


def _checked(server: InfluxDB, name: str, rows: int, seconds: float) -> float:
    """Return the seconds, once every row is seen to be there; then drop the database."""
    (answer,) = server.query("SELECT count(sent) FROM ping", name)
    if answer["values"][0][1] != rows:
        raise CannotMeasure(f"{rows} rows were written and InfluxDB has {answer['values'][0][1]}")
    server.query(f'DROP DATABASE "{name}"')
    return seconds
