"""What Aldea's programs are told when a test runs them: to stay on this machine, and nothing of the developer's own."""

from __future__ import annotations

import os

STAY_HOME = """\
[agent.ping]
anchors = ["127.0.0.1"]
[agent.dns]
enabled = false
[agent.http]
enabled = false
"""
"""A piece of `aldea.toml`: an agent that asks nobody beyond this machine."""


def without_aldea() -> dict[str, str]:
    """Return the environment without the settings that may stand in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ALDEA_")}
