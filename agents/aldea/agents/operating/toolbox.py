"""What handlers may use of the agent they work in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aldea.agents.log_ring import LogRing
    from aldea.agents.outbox import Machine, Outbox
    from aldea.agents.overlay.desk import SettingsDesk
    from aldea.agents.probe import ProbeContext
    from aldea.agents.records import Desk
    from aldea.agents.runner import Runner
    from aldea.agents.settings import AgentSettings


@dataclass(frozen=True, slots=True)
class Toolbox:
    """The running agent's parts.

    `context` is what probes have (clock, folder, meter); `is_online` says whether there is a connection to the broker,
    `is_heard` whether the collector has greeted us in it;
    `start_anew` asks the agent to stop in order and to start again in this process; `desk` is where settings from afar
    are kept, None for an agent that takes none; `records` is the facilitator's, None where none are entered.
    """

    settings: AgentSettings
    machine: Machine
    outbox: Outbox
    runner: Runner
    context: ProbeContext
    log: LogRing
    is_online: Callable[[], bool]
    is_heard: Callable[[], bool]
    start_anew: Callable[[], None]
    desk: SettingsDesk | None = None
    records: Desk | None = None
