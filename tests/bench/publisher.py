"""For comparison: a publisher of single readings as JSON, as a general-purpose agent sends them. A real paho client.

`python -m bench.publisher FILE HOST PORT CA PERIOD`: FILE holds cycles, each a list of [topic, text]. It connects by
TLS and publishes one cycle after the other for ever (QoS 1, a message a reading, waiting for the answers). It prints
`ready` once it is connected, each cycle's number once the broker has confirmed it, and why it cannot connect.
"""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import sys
import time
from itertools import count, cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aldea.model.sample import Row
    from bench.village import Village

KEEPALIVE_SECONDS = 60
_PATIENCE_SECONDS = 20.0


class Publisher:
    """The process, at the site of a village."""

    def __init__(self, village: Village, rows: Sequence[Row], period_seconds: float) -> None:
        folder = village.folder / f"publisher-{time.monotonic_ns()}"
        folder.mkdir()
        (folder / "cycles.json").write_text(json.dumps([_texts(group) for group in cycles(rows)]), encoding="utf-8")
        self._out = folder / "out"
        words = [str(folder / "cycles.json"), village.address, str(village.tls_port)]
        command = [sys.executable, "-m", "bench.publisher", *words, str(village.folder / "ca.pem"), str(period_seconds)]
        self.started = time.perf_counter()
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(village.site.command(*command), stdout=out, stderr=out)

    def told(self) -> list[str]:
        """What it has said so far, by line."""
        return self._out.read_text(encoding="utf-8", errors="replace").splitlines()

    def is_ready(self) -> bool:
        """Whether it is connected."""
        return "ready" in self.told()

    def published(self) -> int:
        """How many cycles the broker has confirmed."""
        return sum(line.isdigit() for line in self.told())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)


def cycles(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield the readings of one sampling cycle after the other."""
    group: list[Row] = []
    for row in rows:
        if group and row.mono_ms - group[0].mono_ms > 200:
            yield group
            group = []
        group.append(row)
    yield group


def _texts(group: Sequence[Row]) -> list[list[str]]:
    return [[f"readings/village/{row.measurement}", _json(row)] for row in group]


def _json(row: Row) -> str:
    """Return a reading as general-purpose agents write it: name, tags, fields, seconds since 1970."""
    tags = {"host": "village", **dict(row.tags)}
    document = {"fields": dict(row.fields), "name": row.measurement, "tags": tags, "timestamp": 1_790_000_000}
    return json.dumps(document, separators=(",", ":"))


def main(argv: Sequence[str]) -> int:
    """Publish until ended; return 1 when there is no connection."""
    path, host, port, authority, period = argv
    groups = json.loads(Path(path).read_text(encoding="utf-8"))
    log: list[str] = []
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_log = lambda *words: log.append(str(words[-1]))
    client.tls_set_context(ssl.create_default_context(cafile=authority))
    client.connect(host, int(port), KEEPALIVE_SECONDS)
    client.loop_start()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not client.is_connected():
        if time.monotonic() > deadline:
            _say(f"not connected: {'; '.join(log[-8:])}")
            return 1
        time.sleep(0.01)
    client.on_log = None
    _say("ready")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    time.sleep(0.5)
    due = time.monotonic()
    for number, group in zip(count(1), cycle(groups), strict=False):
        info: Any = None
        for topic, text in group:
            info = client.publish(topic, text, qos=1)
        info.wait_for_publish(10)
        _say(str(number))
        due = max(due + float(period), time.monotonic())
        time.sleep(due - time.monotonic())
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
