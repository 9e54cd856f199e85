"""How soon `aldea up` shows something: its first start with the simulated fleet, and every later one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.report import CannotMeasure, Figure
from bench.village import wait_until
from rigs.processes import LOOPBACK, RigError, find_program, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_BUDGET, LATER_BUDGET = 30.0, 5.0
COMPLETE = "The simulated fleet is complete"

# Nobody on the internet is asked for anything: this machine measures itself.
SETTINGS = """\
[agent.ping]
anchors = ["127.0.0.1"]
[agent.dns]
enabled = false
[agent.http]
enabled = false
"""


def section(*, quick: bool) -> list[Figure]:
    """Start twice on each broker; quick: on one."""
    return [figure for broker in ("mosquitto", "amqtt")[: 1 if quick else 2] for figure in _on(broker)]


def _on(broker: str) -> list[Figure]:
    if broker == "mosquitto":
        try:
            find_program("mosquitto", "mosquitto")
        except RigError as error:
            raise CannotMeasure(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="aldea-bench-") as name:
        folder = Path(name)
        (folder / "aldea.toml").write_text(SETTINGS, encoding="utf-8")
        with _up(folder, broker, "first") as (port, started):
            wait_until(lambda: _sites(port), "the first start shows no sites", 60)
            shown = time.perf_counter() - started
            log = folder / "first.log"
            wait_until(lambda: COMPLETE in log.read_text(encoding="utf-8"), "the history is not in", 120)
            complete = time.perf_counter() - started
        with _up(folder, broker, "later") as (port, started):
            wait_until(lambda: any(site["last_seen"] for site in _sites(port)), "the later start shows no data", 60)
            data = time.perf_counter() - started
            begun = time.time() - data
            wait_until(lambda: _is_fresh(_sites(port), begun), "no fresh readings", 60)
            fresh = time.perf_counter() - started
    return [
        Figure(
            f"first start, {broker}: 40 days of 76 villages are in",
            complete,
            "s",
            FIRST_BUDGET,
            note=f"the list of sites answered after {shown:.1f} s",
        ),
        Figure(
            f"later start, {broker}: the API answers with data",
            data,
            "s",
            LATER_BUDGET,
            note="on the data of the first start",
        ),
        Figure(f"later start, {broker}: a new reading of this machine is listed", fresh, "s", LATER_BUDGET),
    ]


@contextmanager
def _up(folder: Path, broker: str, name: str) -> Iterator[tuple[int, float]]:
    """Run `aldea up`; yield its port and when it was started. Everything it started ends with it."""
    port = free_port()
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ALDEA_")}
    environ |= {"ALDEA_HTTP_PORT": str(port), "ALDEA_MQTT_PORT": str(free_port()), "ALDEA_BROKER": broker}
    code = "import sys; from aldea.deploy.cli.main import main; sys.exit(main())"
    words = ["up", "--data", str(folder / "data"), "--config", str(folder / "aldea.toml")]
    started = time.perf_counter()
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", code, *words], env=environ, cwd=folder, stdout=log, stderr=log
        )
    try:
        yield port, started
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _sites(port: int) -> list[dict[str, Any]]:
    """Return the sites listed, none while nothing answers. This machine is among the first page's 100."""
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/api/v1/sites", timeout=5) as response:
            items: list[dict[str, Any]] = json.load(response)["items"]
            return items
    except (OSError, ValueError):
        return []


def _is_fresh(sites: list[dict[str, Any]], since_seconds: float) -> bool:
    seen = [site["last_seen"] for site in sites if site["id"] == "this-machine" and site["last_seen"]]
    return any(datetime.fromisoformat(text).timestamp() >= since_seconds for text in seen)
