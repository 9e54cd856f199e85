"""`power`: whether the site has mains power, and how long its batteries last."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from aldea.agents.probes.power_machine import MachineSource
from aldea.agents.probes.power_nut import NutSource
from aldea.agents.probes.power_reading import PowerFailed
from aldea.model.failures import Failure, failure_of
from aldea.model.sample import Reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aldea.agents.device_settings import PowerSettings
    from aldea.agents.probe import ProbeContext
    from aldea.model.sample import Value

log = logging.getLogger(__name__)


class PowerSource(Protocol):
    """One place that knows of the power."""

    @property
    def name(self) -> str:
        """What it is called in the data."""
        ...

    async def read(self) -> dict[str, Value]:
        """Return the fields it knows. Raises PowerFailed, OSError."""
        ...

    def close(self) -> None:
        """Give back what is held between rounds."""
        ...


class PowerProbe:
    """Asks every configured source; one that is silent costs the others nothing.

    A source that has not answered after `round_seconds` has failed.
    """

    name = "power"

    def __init__(self, settings: PowerSettings, context: ProbeContext, round_seconds: float = 40.0) -> None:
        self._settings = settings
        self._context = context
        self._round_seconds = round_seconds
        self._sources: list[PowerSource] | None = None

    async def measure(self) -> Sequence[Reading]:
        """Return a reading for each source; nothing (and nothing is loaded) when none is configured."""
        if not self._settings.has_sources:
            return []
        if self._sources is None:
            self._sources = self._made()
        return await asyncio.gather(*(self._reading(source) for source in self._sources))

    async def aclose(self) -> None:
        """Close the sockets."""
        for source in self._sources or ():
            source.close()
        self._sources = None

    def _made(self) -> list[PowerSource]:
        settings = self._settings
        made: list[PowerSource] = [MachineSource(self._context.root)] if settings.machine else []
        made += [NutSource(ups, settings.timeout_seconds) for ups in settings.nut]
        if settings.snmp:
            from aldea.agents.probes.power_snmp import SnmpSource  # noqa: PLC0415 - pysnmp: 6 MB, only where used

            clock = self._context.clock
            made += [SnmpSource(ups, settings.timeout_seconds, settings.retries, clock) for ups in settings.snmp]
        return made

    async def _reading(self, source: PowerSource) -> Reading:
        fields: dict[str, Value] = {}
        failure: Failure | None = None
        try:
            async with asyncio.timeout(self._round_seconds):
                fields = await source.read()
        except PowerFailed as error:
            log.info("power source %s: %s", source.name, error)
            fields, failure = dict(error.fields), error.failure
        except TimeoutError:
            failure = Failure.READ_TIMEOUT
        except OSError as error:
            failure = failure_of(error)
        except Exception:
            # A fault in the probe costs no other source its reading.
            log.exception("power source %s: the probe crashed", source.name)
            failure = Failure.PROBE_CRASHED
        return Reading(
            self.name, {**fields, "failure": None if failure is None else failure.value}, {"source": source.name}
        )
