"""The collector's process: the real service on real stores in `PROOF_DATA`, its broker at `PROOF_PORT`."""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path

from aldea.collector.mqtt import BrokerAddress
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.storage.register import open_register
from aldea.storage.series.opening import open_series_store
from proof.mutations import mutate_collector


def main() -> None:
    """Run until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(levelname)s %(message)s")
    mutate_collector(os.environ.get("PROOF_MUTATION", ""))
    data = Path(os.environ["PROOF_DATA"])
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    register = open_register(f"sqlite:///{data / 'register.db'}")
    store = open_series_store(f"sqlite:///{data / 'series.db'}")
    address = BrokerAddress(port=int(os.environ["PROOF_PORT"]))
    collector = Collector("proof", data, address, register, store, SystemClock())
    collector.start()
    stopping.wait()
    collector.stop()
    store.close()
    register.close()


if __name__ == "__main__":
    main()
