"""A box that tries settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentkit.place import CLOCK, Place
from agentkit.tried import Cuts, TriedBox
from aldea.storage.register import open_register
from aldea.storage.register.devices import Device
from aldea.storage.register.sites import Site, SiteEntry, SiteState, add_sites
from aldea.storage.series import open_series_store
from registerkit import clean_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rigs.mosquitto import Mosquitto


@pytest.fixture
def box(tmp_path: Path) -> TriedBox:
    """One that runs with its machine's own settings."""
    made = TriedBox(tmp_path)
    made.start()
    return made


@pytest.fixture
def cuts() -> Iterator[Cuts]:
    """Power that goes when it is told to."""
    with pytest.MonkeyPatch.context() as patch, Cuts(patch) as made:
        yield made


@pytest.fixture
def place(tmp_path: Path, mosquitto: Mosquitto) -> Iterator[Place]:
    """A register, a collector, a broker; the agent is started by the test."""
    folder = tmp_path / "server"
    folder.mkdir()
    register = open_register(clean_file(folder))
    now = CLOCK.wall_ms()
    village = Site("village", "Village", "America/Merida", now - 1000)
    agent = Device("village", "agent", "agent", now - 1000)
    with register.transaction() as unit:
        add_sites(unit, [SiteEntry(village, now - 1000, SiteState.COMMISSIONED, devices=(agent,))])
    store = open_series_store(f"sqlite:///{folder / 'series.db'}")
    made = Place(tmp_path, mosquitto, register, store)
    made.serve()
    try:
        yield made
    finally:
        if made.process is not None and made.process.poll() is None:
            made.kill()
        made.serve_no_more()
        store.close()
        register.close()
