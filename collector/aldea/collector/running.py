"""The collector as a process of its own: opened from settings, stopped by a signal."""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

from aldea.collector.journal import JournalError
from aldea.collector.service import Collector
from aldea.model.clock import SystemClock
from aldea.model.said import Said
from aldea.model.series import StoreUnavailable
from aldea.storage.register import RegisterError, open_register
from aldea.storage.series.opening import open_series_store

if TYPE_CHECKING:
    from aldea.collector.settings import CollectorSettings

log = logging.getLogger(__name__)

TRIM_SECONDS = 3600.0


class CannotRun(Exception):
    """The collector cannot be started; the message says why and what to do."""


def run_collector(settings: CollectorSettings) -> None:
    """Run until SIGTERM or Ctrl-C, then stop in order. Raises CannotRun."""
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    with ExitStack() as stack:
        collector = _opened(settings, stack)
        collector.start()
        stack.callback(collector.stop)
        log.info("collector %s: journal in %s", settings.name, settings.data)
        while True:
            collector.trim(settings.keep_days)
            if asked.wait(TRIM_SECONDS):
                break
        log.info("stopping")


def _opened(settings: CollectorSettings, stack: ExitStack) -> Collector:
    """Open register, store and journal; the register is brought to this version's tables."""
    try:
        register = open_register(settings.register)
        stack.callback(register.close)
        register.migrate()
        store = open_series_store(settings.series)
        stack.callback(store.close)
        return Collector(
            settings.name,
            settings.data,
            settings.address,
            register,
            store,
            SystemClock(),
            settings.broker.share_group,
            foreign=settings.foreign,
        )
    except (RegisterError, StoreUnavailable, JournalError, ValueError) as error:
        raise CannotRun(*error.args) from error
    except OSError as error:
        raise CannotRun(
            Said(
                f"{error.filename or settings.data} cannot be used: {error.strerror or error}",
                f"{error.filename or settings.data} no se puede usar: {error.strerror or error}",
            )
        ) from error
