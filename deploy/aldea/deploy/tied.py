"""Child processes that never outlive us, not even when we are killed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Runs in a fresh interpreter that becomes the program: asks the kernel to end it when we are killed, which no
# handler of ours could do. It looks at its parent once more, who may have died before the request stood.
_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGTERM, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit(0)
os.execv(sys.argv[2], sys.argv[2:])
"""


def start_tied(
    command: Sequence[str],
    *,
    stdin: int,
    stdout: IO[bytes] | int,
    stderr: IO[bytes] | int,
    environ: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` (its first word a path) in a session of its own, so that Ctrl-C reaches us alone.

    On Linux the kernel ends it when the *thread* that called this is gone: wait for the child in that thread.
    Raises OSError when it cannot be started.
    """
    words = list(command)
    if sys.platform.startswith("linux"):
        words = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *words]
    return subprocess.Popen(  # noqa: S603 - our own arguments, no shell
        words, stdin=stdin, stdout=stdout, stderr=stderr, env=environ, start_new_session=True
    )
