"""What a person runs: the agent itself, one probe once, and a look at whether this machine is ready."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aldea.agents.enrolment import enrolled
from aldea.agents.lock import AlreadyRunning, FolderLock
from aldea.agents.machine import clock_state, hardware_id
from aldea.agents.overlay.keeping import Keeper
from aldea.agents.overlay.running import AgentRun
from aldea.agents.overlay.source import Source
from aldea.agents.probe import ProbeContext, run_probe
from aldea.agents.probes import PROBES
from aldea.agents.service import link_options
from aldea.agents.settings import AgentSettings
from aldea.agents.upgrading.leaving import hand_over
from aldea.model.clock import ClockState, SystemClock
from aldea.model.sample import Reading
from aldea.model.settings import SettingsError

_LOG = logging.getLogger(__name__)
_PROBE_ONCE_SECONDS = 45.0


def load_agent_settings(config: Path | None, environ: Mapping[str, str]) -> AgentSettings:
    """Read `config` (None: `aldea.toml` here, where there is one), what came from afar, and the environment over it.

    Raises SettingsError with every mistake in the machine's own settings as a sentence.
    """
    source = Source(config, environ)
    own = source.settings()
    try:
        return source.settings(Keeper(own.data).read().current.document)
    except SettingsError:
        return own


def run_agent(config: Path | None, environ: Mapping[str, str]) -> int:
    """Run the agent until it is asked to stop (SIGTERM, Ctrl-C); return the exit code.

    It starts again by itself, in this process, when settings from afar ask for it.
    """
    _log_to_stderr()
    try:
        if asyncio.run(_run_until_asked(Source(config, environ))):
            hand_over()
    except AlreadyRunning as error:
        print(f"aldea agent: {error}", file=sys.stderr)  # noqa: T201 - for the person who started it
        return 1
    except SettingsError as error:
        for sentence in error.errors:
            print(f"aldea agent: {sentence}", file=sys.stderr)  # noqa: T201 - for the person who started it
        return 2
    except OSError as error:
        print(f"aldea agent: its folder cannot be used: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 1
    return 0


async def _run_until_asked(source: Source) -> bool:
    """Run; say whether another release is to be started."""
    agent = AgentRun(source)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    await agent.run()
    _LOG.info("another release is started" if agent.hands_over else "stopped")
    return agent.hands_over


def run_one_probe(settings: AgentSettings, name: str) -> Sequence[Reading]:
    """Run one probe once and return its readings; nothing is stored or sent. Raises KeyError for another name."""
    probe = PROBES[name](settings, ProbeContext(SystemClock(), settings.data, by_hand=True))

    async def once() -> Sequence[Reading]:
        try:
            return await run_probe(probe, _PROBE_ONCE_SECONDS)
        finally:
            await probe.aclose()

    return asyncio.run(once())


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: whether it is as it should be, and a sentence."""

    ok: bool
    sentence: str


def doctor(settings: AgentSettings) -> list[Finding]:
    """Look at what the agent needs: its folder, its enrolment, the broker, the clock and its identity."""
    return [_folder(settings.data), _broker(settings), _enrolment(settings), _clock(), _identity()]


def _enrolment(settings: AgentSettings) -> Finding:
    try:
        found = enrolled(settings.data)
    except SettingsError as error:
        return Finding(ok=False, sentence=str(error))
    if found is None:
        return Finding(ok=True, sentence="not enrolled with a code: site and broker come from the settings")
    safe = "encrypted" if found.tls else "not encrypted"
    sentence = f"enrolled at {found.server} as {found.site}/{found.device}, broker {found.host}:{found.port}, {safe}"
    for name in (found.password_file, found.ca_file):
        if name is not None and not os.access(settings.data / name, os.R_OK):
            return Finding(ok=False, sentence=f"{sentence}; but {name} cannot be read: enrol again with a new code")
    if (settings.data / found.password_file).stat().st_mode & 0o077:
        return Finding(ok=False, sentence=f"{sentence}; but others can read its password: chmod 600 it")
    if settings.broker.host != found.host:
        sentence += f"; the settings name {settings.broker.host} instead"
    return Finding(ok=True, sentence=sentence)


def _folder(folder: Path) -> Finding:
    try:
        FolderLock(folder).release()
    except AlreadyRunning:
        return Finding(ok=True, sentence=f"an agent is running on {folder}")
    except OSError as error:
        return Finding(ok=False, sentence=f"{folder} cannot be written: {error.strerror}; set ALDEA_DATA")
    if not os.access(folder, os.W_OK):
        return Finding(ok=False, sentence=f"{folder} cannot be written; set ALDEA_DATA to a folder that can")
    return Finding(ok=True, sentence=f"{folder} can be written")


def _broker(settings: AgentSettings) -> Finding:
    try:
        options = link_options(settings)
        with socket.create_connection((options.host, options.port), timeout=10):
            return Finding(ok=True, sentence=f"the broker at {options.host}:{options.port} answers")
    except SettingsError as error:
        return Finding(ok=False, sentence=str(error))
    except OSError as error:
        where = f"{settings.broker.host}:{settings.broker.port}"
        return Finding(ok=False, sentence=f"the broker at {where} cannot be reached: {error}")


def _clock() -> Finding:
    state = clock_state(SystemClock())
    if state is ClockState.NTP:
        return Finding(ok=True, sentence="the clock is synchronised")
    return Finding(ok=True, sentence=f"the clock is {state.value}: times come from the server's answers")


def _identity() -> Finding:
    if hardware_id() is None:
        return Finding(ok=False, sentence="nothing tells this machine from a copy of its disk; never clone it")
    return Finding(ok=True, sentence="the outbox is bound to this machine's hardware")


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
