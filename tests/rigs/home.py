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
CI_RUN = "ALDEA_CI_RUN"
"""Marks all that a run of `.ci/run` starts, so that what is left running is found."""


def without_aldea() -> dict[str, str]:
    """Return the environment without the settings that may stand in it; the mark stays by which CI knows its own."""
    return {name: value for name, value in os.environ.items() if name == CI_RUN or not name.startswith("ALDEA_")}
