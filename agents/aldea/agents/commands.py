"""What a person runs: the agent itself, and one probe once."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from aldea.agents.footprint import use_one_arena
from aldea.agents.lock import AlreadyRunning
from aldea.agents.overlay.keeping import Keeper
from aldea.agents.overlay.running import AgentRun
from aldea.agents.overlay.source import Source
from aldea.agents.page.words import language_of_environment, say
from aldea.agents.probe import ProbeContext, run_probe
from aldea.agents.probes import PROBES
from aldea.agents.settings import AgentSettings
from aldea.agents.terminal import complain
from aldea.agents.upgrading.leaving import ended_in_order, hand_over
from aldea.model.clock import SystemClock
from aldea.model.sample import Reading
from aldea.model.settings import SettingsError

_LOG = logging.getLogger(__name__)
_PROBE_ONCE_SECONDS = 45.0
NOTICE = "ALDEA_NOTICE"  # what the installation has to say of itself


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
    language = language_of_environment(environ)
    if notice := environ.get(NOTICE):
        _LOG.warning("%s", notice)
    use_one_arena()
    try:
        if asyncio.run(_run_until_asked(Source(config, environ))):
            hand_over()
    except AlreadyRunning as error:
        complain(error.words, language)
        return 1
    except SettingsError as error:
        return complain_of(error, language)
    except OSError as error:
        complain(say("its folder cannot be used: %(why)s", why=error), language)
        return 1
    return 0


def complain_of(error: SettingsError, language: str) -> int:
    """Print each mistake in the settings; return the exit code."""
    for sentence in error.errors:
        complain(sentence, language)
    return 2


async def _run_until_asked(source: Source) -> bool:
    """Run; say whether another release is to be started."""
    agent = AgentRun(source)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, agent.stop)
    await agent.run()
    with suppress(SettingsError):
        await asyncio.to_thread(ended_in_order, source.settings().data)
    _LOG.info("another release is started" if agent.hands_over else "stopped")
    return agent.hands_over


def run_one_probe(settings: AgentSettings, name: str) -> Sequence[Reading]:
    """Run one probe once and return its readings; nothing is stored or sent. Raises KeyError for another name."""
    probe = PROBES[name](settings, ProbeContext(SystemClock(), settings.data, by_hand=True))

    limit = settings.throughput.longest_seconds if name == "throughput" else _PROBE_ONCE_SECONDS

    async def once() -> Sequence[Reading]:
        try:
            return await run_probe(probe, limit)
        finally:
            await probe.aclose()

    return asyncio.run(once())


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
