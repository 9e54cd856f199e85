"""Programs that run beside the server as processes of their own: the agent, and the simulated fleet."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from aldea.deploy.tied import start_tied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

STOP_SECONDS = 8.0


class Child:
    """A Python program of ours, started again if it ends by itself, and ended with us however we end.

    It runs in a session of its own, so that Ctrl-C at the terminal reaches us alone, and we stop it in order.
    `on_line` gets each line of its standard output; its errors go to `log_file`.
    """

    def __init__(
        self,
        name: str,
        module: str,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        log_file: Path,
        on_line: Callable[[str], None] | None = None,
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-m", module, *arguments]
        self._environ = dict(environ)
        self._log_file = log_file
        self._on_line = on_line
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"aldea-{name}", daemon=True)

    def start(self) -> None:
        """Start the program."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to stop, and end it after 8 s if it hasn't."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                log.warning("%s did not stop in %.0f s and was ended", self.name, STOP_SECONDS)
                process.kill()
                process.wait()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def _watch(self) -> None:
        pause = 1.0
        while not self._stopping.is_set():
            code = self._run_once()
            if self._stopping.is_set():
                return
            log.warning("%s ended with %s, see %s; starting it again", self.name, code, self._log_file)
            self._stopping.wait(pause)
            pause = min(pause * 2, 60.0)

    def _run_once(self) -> int:
        with self._log_file.open("ab") as errors:
            process = start_tied(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                environ=self._environ,
            )
        self._process = process
        if self._stopping.is_set():
            process.terminate()
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                if self._on_line is not None:
                    self._on_line(line.decode(errors="replace"))
        return process.wait()
