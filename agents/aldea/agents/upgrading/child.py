"""A release on trial as a child of the launcher: it ends with its parent, and in order where it can."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Sequence

from aldea.agents.upgrading.state import TRIAL

ENDS_WITHIN_SECONDS = 25.0
_PR_SET_PDEATHSIG = 1


def start_child(command: Sequence[str], trial: str) -> subprocess.Popen[bytes]:
    """Start an agent that is on this trial. No other thread is to be at work. Raises OSError."""
    return subprocess.Popen(  # noqa: S603 - a path of ours, and our own arguments
        list(command),
        env={**os.environ, TRIAL: trial},
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - there are no threads here
    )


def end_child(child: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and kill it when it does not."""
    child.terminate()
    try:
        child.wait(ENDS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _end_with_parent() -> None:
    """Nobody would watch a release whose launcher was killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
