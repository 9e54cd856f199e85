"""A start with other settings is told as what it is: not as a crash, and not as a power cut that it was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agentkit.making import BOOT, OTHER_BOOT, held_rows, make_outbox
from aldea.agents.outbox import Stopped
from aldea.model.starts import ON_PURPOSE, StartCause

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("boot", "cause", "clean"), [(BOOT, StartCause.SETTINGS, True), (OTHER_BOOT, StartCause.POWER_LOST, False)]
)
def test_the_boot_row_says_why(tmp_path: Path, boot: str, cause: StartCause, clean: bool) -> None:
    make_outbox(tmp_path).close(Stopped.FOR_SETTINGS)
    outbox = make_outbox(tmp_path, boot=boot, mono_ms=2_000)
    row = held_rows(outbox)[-1]
    outbox.close(Stopped.ALONE)
    assert (row.measurement, row.fields["cause"], row.fields["clean"]) == ("boot", cause.value, clean)
    assert StartCause.SETTINGS in ON_PURPOSE
