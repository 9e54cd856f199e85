"""A register, a clock that stands still, and providers on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aldea.model.clock import ManualClock
from aldea.storage.register import Register
from alert_rules.notify.office import NOW_MS, Office
from alert_rules.notify.servers import Mail, Web


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


@pytest.fixture
def mailed(office: Office) -> Office:
    office.add_contact("tecnica", "email", address="tecnica@example.org")
    return office
