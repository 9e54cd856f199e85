"""The agent's process: the real service, outbox and uplink, with the oracle's probe. Settings: `ALDEA_*`, `PROOF_*`."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import signal
from pathlib import Path

from aldea.agents.commands import load_agent_settings
from aldea.agents.probe import ScheduledProbe
from aldea.agents.service import AgentService, pace_of
from proof.mutations import mutate_agent
from proof.oracle import Oracle, OracleProbe


async def _run(service: AgentService) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.stop)
    await service.run()


def main() -> None:
    """Run until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s")
    mutate_agent(os.environ.get("PROOF_MUTATION", ""))
    settings = load_agent_settings(Path(os.environ["PROOF_CONFIG"]), os.environ)
    probe = OracleProbe(Oracle(Path(os.environ["PROOF_ORACLE"])), Path(os.environ["PROOF_QUIET"]))
    # Small batches, so that there are many and that a backlog takes both lanes; little patience, since the link
    # is a loopback. The rules are the product's own.
    pace = dataclasses.replace(
        pace_of(settings),
        live_rows=24,
        bulk_rows=40,
        answer_ms=700,
        answer_longest_ms=3_000,
        birth_again_ms=700,
        birth_longest_ms=3_000,
        change_gap_ms=1_000,
    )
    asyncio.run(_run(AgentService(settings, [ScheduledProbe(probe, settings.sample_seconds, 60.0)], pace=pace)))


if __name__ == "__main__":
    main()
