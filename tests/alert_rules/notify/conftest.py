"""A register, a clock that stands still, and providers on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aldea.model.clock import ManualClock
from aldea.storage.register import Register, open_register
from alert_rules.notify.office import NOW_MS, Office
from alert_rules.notify.servers import Mail, Web


@pytest.fixture(scope="session")
def migrated_register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("register") / "migrated.db"
    register = open_register(f"sqlite:///{path}")
    register.migrate()
    register.close()
    return path


@pytest.fixture
def register(migrated_register: Path, tmp_path: Path) -> Iterator[Register]:
    shutil.copy(migrated_register, tmp_path / "register.db")
    found = open_register(f"sqlite:///{tmp_path / 'register.db'}")
    yield found
    found.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_MS)


@pytest.fixture
def office(register: Register, clock: ManualClock) -> Iterator[Office]:
    made = Office(register, clock)
    made.add_site()
    made.add_person("tecnica")
    yield made
    made.close()


@pytest.fixture
def web() -> Iterator[Web]:
    with Web() as server:
        yield server


@pytest.fixture
def mail() -> Iterator[Mail]:
    with Mail() as server:
        yield server
