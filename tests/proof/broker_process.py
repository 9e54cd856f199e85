"""The built-in broker in a process of its own, so that it can be killed."""

from __future__ import annotations

import signal
import sys
import threading

from aldea.deploy.broker.embedded import EmbeddedBroker


def main() -> None:
    """Serve at the port that is the only argument, until SIGTERM."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    broker = EmbeddedBroker(int(sys.argv[1]))
    broker.start()
    stopping.wait()
    broker.stop()


if __name__ == "__main__":
    main()
