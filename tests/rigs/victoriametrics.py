"""A real single-node VictoriaMetrics, which takes an InfluxDB 2.x client's writes as they are."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from rigs.processes import LOOPBACK, ServerProcess, find_program, free_port, port_answers

if TYPE_CHECKING:
    from pathlib import Path


class VictoriaMetrics:
    """Debian's victoria-metrics on a free port; its data stays over stop and start."""

    def __init__(self, folder: Path) -> None:
        program = find_program("victoria-metrics", "victoria-metrics")
        folder.mkdir(parents=True, exist_ok=True)
        self._port = free_port()
        self.url = f"http://{LOOPBACK}:{self._port}"
        command = [
            program,
            f"-storageDataPath={folder / 'data'}",
            f"-httpListenAddr={LOOPBACK}:{self._port}",
            "-retentionPeriod=100y",
            "-search.latencyOffset=0s",
            "-memory.allowedBytes=128MiB",
            "-loggerLevel=WARN",
        ]
        self.process = ServerProcess("victoria-metrics", command, folder / "victoria-metrics.log")

    def start(self) -> Self:
        """Start it and wait until it listens."""
        self.process.start(lambda: port_answers(self._port))
        return self

    def stop(self) -> None:
        """End it in good order."""
        self.process.stop()

    def export(self, selector: str) -> list[dict[str, Any]]:
        """Return all series that match: metric (labels), values, timestamps (ms), the latest included."""
        urllib.request.urlopen(f"{self.url}/internal/force_flush", timeout=60).close()
        query = urllib.parse.urlencode({"match[]": selector})
        with urllib.request.urlopen(f"{self.url}/api/v1/export?{query}", timeout=60) as response:
            return [json.loads(line) for line in response if line.strip()]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
