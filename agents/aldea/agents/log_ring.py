"""The newest lines of the agent's log, in memory: what a person asks for when something is odd."""

from __future__ import annotations

import logging
from collections import deque

LINES = 200
LONGEST = 300


class LogRing(logging.Handler):
    """Keeps the newest lines, each cut to 300 characters. Add it to a logger, and take it away again."""

    def __init__(self, lines: int = LINES) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[str] = deque(maxlen=lines)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; a traceback as its last line alone, which names the error."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a line that can't be formatted must not become a fault of its own
            self.handleError(record)
            return
        first, _, rest = text.partition("\n")
        last = rest.rstrip().rpartition("\n")[2].strip()
        self._lines.append(f"{first} | {last}"[:LONGEST] if last else first[:LONGEST])

    def lines(self) -> list[str]:
        """Return the lines, the oldest first."""
        return list(self._lines)
