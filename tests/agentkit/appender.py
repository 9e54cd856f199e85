"""A process that appends to an outbox for ever and says after each commit what it was given: to be killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from agentkit.making import make_outbox, ping


def main() -> None:
    """Append one to three rows a cycle."""
    outbox = make_outbox(Path(sys.argv[1]))
    number = 0
    while True:
        number += 1
        span = outbox.append([ping(number)] * (1 + number % 3), 2_000 + number)
        assert span is not None
        os.write(1, f"{number} {span[0]} {span[1]}\n".encode())


if __name__ == "__main__":
    main()
