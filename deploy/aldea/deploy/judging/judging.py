"""The judging process: its threads, in the order in which they are started and stopped."""

from __future__ import annotations

import logging
import os
import secrets
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

from aldea.alert_rules.engine.engine import Engine
from aldea.alert_rules.notify.announcing import Announcer
from aldea.alert_rules.notify.dispatcher import Dispatcher
from aldea.alert_rules.notify.heartbeat import Heartbeat
from aldea.alert_rules.notify.messages import Writer
from aldea.alert_rules.notify.provider import ProviderSender
from aldea.collector.settling.settler import Settler
from aldea.collector.worker import Worker
from aldea.deploy.judging.leased import Leased
from aldea.deploy.judging.upkeep import Upkeep, UpkeepPlan
from aldea.indicators.work import IndicatorWork
from aldea.storage.register import RegisterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aldea.alert_rules.ruleset import RuleSet
    from aldea.alert_rules.settings import AlertSettings
    from aldea.model.clock import Clock
    from aldea.model.series import SeriesStore
    from aldea.storage.register import Register

log = logging.getLogger(__name__)

ENGINE_SECONDS = 0.25
"""Between two looks of the engine: silence must become an incident within two seconds of its hold."""

DISPATCH_SECONDS = 0.5
SETTLE_SECONDS = 5.0
HEARTBEAT_SECONDS = 5.0


class Judging:
    """Settles, judges, tells people, computes. Of several with one register, one works and the others stand by."""

    def __init__(
        self,
        register: Register,
        store: SeriesStore,
        clock: Clock,
        settings: AlertSettings,
        rules: RuleSet,
        plan: UpkeepPlan,
        trim_journal: Callable[[int], None] | None = None,
    ) -> None:
        holder = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(3)}"
        self._stack = ExitStack()
        self._engine = Engine(register, clock, rules, Announcer(settings, Writer(settings.pages_url)), holder)
        self._sender = ProviderSender(settings, clock)
        self._dispatcher = Dispatcher(register, clock, self._sender, settings)
        self._settler = Leased(register, clock, "settler", holder, Settler(register, store, clock).step)
        indicators = IndicatorWork(register, clock)
        self._indicators = Leased(register, clock, "indicators", holder, lambda: bool(indicators.step()))
        # A standby must not roll up, compact and trim beside the one that works.
        self._tending = Leased(register, clock, "upkeep", holder, lambda: True)
        self._upkeep = Upkeep(register, store, clock, plan, self._indicators.step, trim_journal, self._tending.step)
        self._heartbeat = (
            None
            if settings.heartbeat_url is None
            else Heartbeat(register, clock, settings.heartbeat_url, settings.heartbeat_seconds)
        )

    def start(self) -> None:
        """Begin."""
        # What is started first is stopped last: the engine's last notifications may still leave.
        self._stack.callback(self._quietly, self._sender.close)
        self._stack.callback(self._quietly, self._dispatcher.close)
        self._run("notify", self._dispatcher.step, DISPATCH_SECONDS)
        self._stack.callback(self._quietly, self._engine.close)
        self._run("alerts", self._engine.step, ENGINE_SECONDS)
        self._stack.callback(self._quietly, self._settler.close)
        self._run("settle", self._settler.step, SETTLE_SECONDS)
        if self._heartbeat is not None:
            self._stack.callback(self._quietly, self._heartbeat.close)
            self._run("heartbeat", self._heartbeat.step, HEARTBEAT_SECONDS)
        self._stack.callback(self._quietly, self._indicators.close)
        self._stack.callback(self._quietly, self._tending.close)
        self._upkeep.start()
        self._stack.callback(self._upkeep.stop)

    def stop(self) -> None:
        """End every thread in order, and give the leases back."""
        self._stack.close()

    def _run(self, name: str, step: Callable[[], bool], idle_seconds: float) -> None:
        worker = Worker(name, step, idle_seconds)
        worker.start()
        self._stack.callback(worker.stop)

    def _quietly(self, close: Callable[[], object]) -> None:
        """Close a part; a register that is away at the end must not keep the others from being stopped."""
        try:
            close()
        except RegisterError as error:
            log.warning("a lease could not be given back, it runs out by itself: %s", error)
