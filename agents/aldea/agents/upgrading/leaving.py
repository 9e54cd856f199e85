"""How the agent and its launcher reach each other: the one hands over, and says when the server has greeted it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from aldea.agents.upgrading.folder import HEARD, Releases
from aldea.agents.upgrading.settling import is_written
from aldea.agents.upgrading.state import LAUNCHER, TRIAL

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5


def launcher_of(environ: Mapping[str, str]) -> list[str] | None:
    """Return the launcher's command, None where the agent was started without one."""
    try:
        command = json.loads(environ.get(LAUNCHER, "null"))
    except ValueError:
        return None
    fits = isinstance(command, list) and command and all(isinstance(word, str) for word in command)
    return command if fits else None


def is_due(data: Path, environ: Mapping[str, str] = os.environ) -> bool:
    """Say whether the agent is to hand over: another release than the one that runs here is on trial."""
    trial = Releases(data).read().trial
    return trial is not None and trial.id != environ.get(TRIAL) and launcher_of(environ) is not None


def hand_over(environ: Mapping[str, str] = os.environ) -> None:
    """Become the launcher, in the same process. Returns only where there is none, or it is gone."""
    command = launcher_of(environ)
    if command is None:
        return
    try:
        os.execv(command[0], command)  # noqa: S606 - what started us
    except OSError as error:
        _LOG.error("the launcher %s cannot be started: %s", command[0], error)


def ended_in_order(data: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Forget how often the release was started in quick succession: it ends as it was asked to, and not by a fault."""
    if environ.get(TRIAL) or launcher_of(environ) is None:
        return  # the launcher writes while a release is on trial
    releases = Releases(data)
    state = releases.read()
    if state.launch is not None:
        is_written(releases, replace(state, launch=None))


async def confirm(data: Path, heard: Callable[[], bool], environ: Mapping[str, str] = os.environ) -> None:
    """On a trial: leave word for the launcher once the server has greeted us. Otherwise nothing."""
    trial = environ.get(TRIAL)
    if not trial:
        return
    while not heard():  # noqa: ASYNC110 - the uplink's thread knows, and tells nobody
        await asyncio.sleep(_LOOK_SECONDS)
    while True:
        try:
            await asyncio.to_thread(Releases(data).put, HEARD, trial.encode() + b"\n")
        except OSError as error:
            _LOG.error("that the server was heard cannot be written down: %s", error)
            await asyncio.sleep(10 * _LOOK_SECONDS)
        else:
            _LOG.info("the server has greeted this release")
            return
