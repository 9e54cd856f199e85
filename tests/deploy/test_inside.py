"""What `aldea up` does in its own process, in which order."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from aldea.dashboard_api.server import HttpServer
from aldea.deploy.allinone.inside import Inside
from aldea.deploy.allinone.settings import read_all
from aldea.model.clock import ManualClock
from aldea.storage.register.endpoint import server_url
from dashboard_api.village import NOW_MS, Village
from rigs.processes import free_port


def test_the_address_of_the_pages_is_written_down_before_they_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    village = Village(tmp_path / "data")
    known: list[str | None] = []
    start = HttpServer.start

    def noting(server: HttpServer) -> None:
        with village.register.reading() as unit:
            known.append(server_url(unit))
        start(server)

    monkeypatch.setattr(HttpServer, "start", noting)
    config = tmp_path / "aldea.toml"
    config.write_text("")
    everything = read_all(config, {"ALDEA_HTTP_PORT": str(free_port())})
    inside = Inside(everything, village.register, village.series, ManualClock(NOW_MS), print)
    with ExitStack() as stack:
        url = inside.start_pages(stack)
    village.close()
    assert known == [url]
