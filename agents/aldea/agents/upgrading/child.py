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
    """Start an agent that is on this trial: nobody would watch one whose launcher was killed. Raises OSError."""
    # Found before the fork: what looks at the link may still hang in a name, and hold what libraries are found under.
    prctl = ctypes.CDLL(None).prctl
    return subprocess.Popen(  # noqa: S603 - a path of ours, and our own arguments
        list(command),
        env={**os.environ, TRIAL: trial},
        preexec_fn=lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM),  # noqa: PLW1509 - one call into the kernel
    )


def end_child(child: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and kill it when it does not."""
    child.terminate()
    try:
        child.wait(ENDS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
