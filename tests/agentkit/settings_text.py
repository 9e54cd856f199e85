"""The `aldea.toml` of a real agent that a test runs on this machine: it asks loopback alone, and often."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def quick_settings(site: str, data: Path, broker_port: int, more: str = "") -> str:
    """Return the settings of a site's agent; `more` adds tables."""
    return f"""\
[agent]
site = "{site}"
data = "{data}"
sample_seconds = 0.5
send_seconds = 1
[agent.broker]
port = {broker_port}
[agent.ping]
gateway = false
anchors = ["127.0.0.1"]
packets = 1
[agent.dns]
names = []
{more}"""
