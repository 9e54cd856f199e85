"""A release from the signature to the running agent, for real: wheels, environments, processes, broker, server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aldea.storage.register.commands import CommandState
from upgradekit.box import Box
from upgradekit.headquarters import Headquarters
from upgradekit.wheels import FIRST, Workshop

GOOD = "9.0.0"


def test_a_release_is_fetched_built_tried_confirmed_and_then_costs_no_launcher(
    headquarters: Headquarters, workshop: Workshop, new_box: Callable[..., Box]
) -> None:
    box = new_box("isla")
    box.start()
    box.until(lambda: headquarters.version_of("isla") == FIRST)
    release, files = workshop.release(GOOD)
    headquarters.offer(release, files)
    command = headquarters.ask("isla", release)
    ended = box.until(lambda: headquarters.ended(command), 60)
    assert (ended.state, ended.answer["version"]) == (CommandState.DONE, GOOD)
    assert headquarters.version_of("isla") == GOOD
    state = box.state
    assert (state.current, state.previous, state.trial, dict(state.bad)) == (GOOD, None, None, {})
    # The service's process is the agent itself, in the new environment, and has no child.
    assert box.python() == str(box.releases.python(GOOD))
    assert [path.name for path in box.releases.folder.iterdir() if path.is_dir()] == [GOOD]
    box.stop()
