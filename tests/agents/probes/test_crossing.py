"""Whose counters tell what crosses the site's link: the router's, however its WAN interface is known."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from aldea.agents.device_settings import SnmpSettings, SnmpTarget
from aldea.agents.probe import ProbeContext
from aldea.agents.probes.throughput.crossing import Crossing
from aldea.model.clock import SystemClock


@pytest.mark.parametrize("known_by", [("ether1", None), (None, "mikrotik")])
def test_a_router_whose_wan_is_named_by_its_profile_is_asked_as_one_with_a_named_interface(
    known_by: tuple[str | None, str | None],
    tmp_path: Path,
) -> None:
    interface, profile = known_by
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as router:
        router.bind(("127.0.0.1", 0))
        router.setblocking(False)
        target = SnmpTarget(host="127.0.0.1", port=router.getsockname()[1], interface=interface, profile=profile)
        snmp = SnmpSettings(targets=(target,), timeout_seconds=0.1)

        async def look() -> object:
            crossing = Crossing(snmp, ProbeContext(SystemClock(), tmp_path), sees_all=True)
            try:
                return await crossing.look()
            finally:
                await crossing.aclose()

        # It does not answer: then nothing is known, rather than what this machine itself has sent.
        assert asyncio.run(look()) is None
        assert router.recv(4_096)
