"""A clean register, and a country on it."""

from __future__ import annotations

import pytest

from aldea.storage.register import Register
from alertkit import Country


@pytest.fixture
def country(register: Register) -> Country:
    """A country without sites, whose collector is well."""
    made = Country(register)
    made.report()
    made.judge()
    return made
