"""The agent run as often as its settings ask: again with other ones when a trial begins, or is given up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aldea.agents.budget import Meter
from aldea.agents.link_watch import LinkWatch, Place
from aldea.agents.lock import AlreadyRunning
from aldea.agents.overlay.desk import SettingsDesk
from aldea.agents.service import AgentService, link_options, this_machine
from aldea.agents.upgrading.leaving import is_due
from aldea.agents.words import Words
from aldea.model.clock import Clock, SystemClock

if TYPE_CHECKING:
    from aldea.agents.overlay.source import Source
    from aldea.agents.settings import AgentSettings

_LOG = logging.getLogger(__name__)


class AgentRun:
    """Runs the agent until it is stopped, in one process whatever its settings become."""

    def __init__(self, source: Source, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._machine = this_machine()
        self._meter = Meter()
        self._desk = SettingsDesk(source, self._clock, self._machine.boot_id, link_options, self._watched)
        self._service: AgentService | None = None
        self._stopped = False
        self.hands_over = False
        """Whether it ended so that the launcher can start another release."""

    def stop(self) -> None:
        """Ask `run` to end in order. Called in the loop's thread."""
        self._stopped = True
        if self._service is not None:
            self._service.stop()

    async def run(self) -> None:
        """Measure and deliver until stopped.

        Raises SettingsError for the machine's own settings, AlreadyRunning, or OSError when the folder cannot be used.
        """
        again = True
        while again and not self._stopped:
            settings = self._desk.begin()
            logging.getLogger().setLevel(settings.log_level.upper())
            _LOG.info(
                "measuring %s/%s, data in %s, settings revision %d",
                settings.site,
                settings.device,
                settings.data,
                self._desk.revision,
            )
            again = await self._once(settings)
            if again and is_due(settings.data):
                self.hands_over = not self._stopped
                return

    def _watched(self, place: Place, patience_ms: int) -> LinkWatch:
        return LinkWatch(place, patience_ms, self._clock, spent=self._meter.add)

    async def _once(self, settings: AgentSettings) -> bool:
        """Run once; say whether to go on with other settings."""
        try:
            self._service = AgentService(
                settings, clock=self._clock, machine=self._machine, desk=self._desk, meter=self._meter
            )
            return await self._service.run()
        except AlreadyRunning:
            raise
        except Exception as error:
            if not self._desk.on_trial:
                raise
            # Whatever it was, it came with these settings: an agent that ends for good can't be told better ones.
            _LOG.exception("the agent failed while settings were on trial")
            what = f"({type(error).__name__}: {error})"
            self._desk.give_up(
                Words(f"the agent failed with these settings {what}", f"el agente falló con estos ajustes {what}")
            )
            return True
        finally:
            self._service = None
