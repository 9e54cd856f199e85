from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aldea.agents.operating.handler import Handler, Outcome, State, Tell
from aldea.agents.operating.later import Later
from aldea.agents.operating.registry import handlers
from aldea.agents.operating.toolbox import Toolbox
from aldea.agents.outbox import Machine
from aldea.agents.probe import ProbeContext
from aldea.agents.settings import AgentSettings
from aldea.model.clock import ManualClock
from aldea.model.messages import Command


class Echo:
    """A handler that is as good as any."""

    kind = "echo"
    quick = resumes = True

    async def carry_out(self, command: Command, tell: Tell) -> Outcome:
        await asyncio.sleep(0)
        return Outcome(State.DONE, {"of": command.id})


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


async def nothing(_state: State, _detail: Mapping[str, Any]) -> None:
    """Hear no word on the way."""


def command(number: int) -> Command:
    return Command(f"{number:032x}", "echo", {}, 1)


def test_a_handler_that_cannot_be_loaded_fails_its_command_and_the_next_one_tries_again() -> None:
    """A card may give its bytes a moment later."""
    tries = []

    def make() -> Handler:
        tries.append(1)
        if len(tries) == 1:
            raise ImportError("the card does not answer")
        return Echo()

    later = Later("echo", make, quick=True, resumes=True)
    with pytest.raises(ImportError):
        asyncio.run(later.carry_out(command(1), nothing))
    assert asyncio.run(later.carry_out(command(2), nothing)).state is State.DONE
    assert len(tries) == 2


def test_two_commands_at_once_share_one_handler() -> None:
    made: list[Echo] = []

    def make() -> Handler:
        made.append(Echo())
        return made[-1]

    later = Later("echo", make, quick=True, resumes=True)

    async def both() -> list[Outcome]:
        return await asyncio.gather(*(later.carry_out(command(number), nothing) for number in range(2)))

    assert [outcome.state for outcome in asyncio.run(both())] == [State.DONE] * 2
    assert len(made) == 1
