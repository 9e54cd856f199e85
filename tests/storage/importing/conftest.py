"""A register with programmes and people, for tables to name."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from aldea.storage.register import Register, open_register
from aldea.storage.register.people import add_person, set_disabled
from aldea.storage.register.programmes import Programme, add_programme
from registerkit import clean_file
from storage.importing.loading import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def register(tmp_path: Path) -> Iterator[Register]:
    made = open_register(clean_file(tmp_path))
    with made.transaction() as unit:
        for name in ("b", "p", "q", "r", "aldeas-inteligentes"):
            add_programme(unit, Programme(name, name, date(2024, 1, 1), None, {}))
        for name in ("tekax", "kancab"):
            add_person(unit, name, name.title(), NOW)
        set_disabled(unit, "kancab", disabled=True, at_ms=NOW)
    yield made
    made.close()
