from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentkit.box import Browser, make_view
from agentkit.facilitator import Site, facilitator
from aldea.agents.page.app import build_site
from aldea.agents.records import Person
from aldea.model.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def browser(tmp_path: Path, clock: ManualClock) -> Browser:
    return Browser(build_site(make_view(tmp_path, clock)))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with facilitator(tmp_path) as found:
        yield found


@pytest.fixture
def crowded(site: Site) -> Site:
    """A box whose roster has three hundred people with long names, of eight letters."""
    names = [f"{'ABCÁEFGH'[number % 8]}na María de los Ángeles Canul Tzuc {number:03}" for number in range(300)]
    people = [Person(f"K-{number:03}", name, "F", "25-44") for number, name in enumerate(names)]
    site.desk.roster.put(tuple(people))
    return site
