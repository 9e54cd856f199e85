"""One workshop and one server for all tests of upgrades: building wheels and environments takes its time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from upgradekit.box import Box
from upgradekit.headquarters import Headquarters
from upgradekit.wheels import Workshop


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"))


@pytest.fixture(scope="package")
def headquarters(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    made = Headquarters(tmp_path_factory.mktemp("headquarters"), workshop.public)
    yield made
    made.close()


@pytest.fixture
def new_box(headquarters: Headquarters, workshop: Workshop, tmp_path: Path) -> Iterator[Callable[..., Box]]:
    made: list[Box] = []

    def make(site: str, **options: object) -> Box:
        folder = tmp_path / site
        folder.mkdir()
        box = Box(folder, workshop.installation(), **options)  # type: ignore[arg-type]  # Box's own options
        headquarters.enrol(site, box.data)
        made.append(box)
        return box

    yield make
    for box in made:
        box.unplug_quietly()
