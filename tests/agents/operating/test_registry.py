from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from aldea.agents.operating.later import Later
from aldea.agents.operating.registry import handlers
from aldea.agents.operating.toolbox import Toolbox
from aldea.agents.outbox import Machine
from aldea.agents.probe import ProbeContext
from aldea.agents.settings import AgentSettings
from aldea.model.clock import ManualClock


@pytest.fixture
def tools(tmp_path: Path) -> Toolbox:
    parts = SimpleNamespace(
        settings=AgentSettings(site="a", data=tmp_path),
        machine=Machine("hardware", "b" * 16, "9.9"),
        runner=None,
        context=ProbeContext(ManualClock(), tmp_path),
        is_online=lambda: True,
        is_heard=lambda: True,
        start_anew=lambda: None,
        desk=None,
        records=None,
    )
    return cast("Toolbox", parts)


def test_what_is_known_of_a_handler_before_it_is_loaded_is_what_it_says_itself(tools: Toolbox) -> None:
    known = handlers(tools)
    assert {item.kind for item in known} == {"test", "diagnostics", "repair_answer", "settings", "upgrade"}
    for item in known:
        assert isinstance(item, Later)
        own = item.handler
        assert (item.kind, item.quick, item.resumes) == (own.kind, own.quick, own.resumes)
        assert item.handler is own
