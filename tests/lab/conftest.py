"""One village for the whole room: every fault is put right again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from labkit.lab import Lab, check_allowed
from rigs.processes import RigError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def built_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The village; skipped where namespaces are not allowed."""
    try:
        check_allowed()
    except RigError as error:
        pytest.skip(str(error))
    with Lab(tmp_path_factory.mktemp("lab")) as found:
        yield found


@pytest.fixture
def lab(built_lab: Lab) -> Iterator[Lab]:
    """The village with no box in it, as a slot begins; what a test leaves running is stopped."""
    built_lab.begin_a_slot()
    yield built_lab
    built_lab.clear()
