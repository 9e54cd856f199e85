"""Which devices are registered: the register's list, looked at again when it has changed."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from aldea.storage.register import RegisterError
from aldea.storage.register.devices import KnownDevices, known_devices
from aldea.storage.register.settings import registry_version

if TYPE_CHECKING:
    from aldea.model.clock import Clock
    from aldea.storage.register import Register

log = logging.getLogger(__name__)

LOOK_AGAIN_MS = 1_000


class Directory:
    """Answers whether a device is registered, at most a second behind the register.

    While the register is away, what was known last holds.
    """

    def __init__(self, register: Register, clock: Clock) -> None:
        self._register = register
        self._clock = clock
        self._lock = threading.Lock()
        self._known = KnownDevices(-1, {})
        self._looked_ms = -LOOK_AGAIN_MS

    def is_known(self, site: str, device: str) -> bool:
        """Say whether `device` of `site` is registered and not retired."""
        with self._lock:
            now = self._clock.mono_ms()
            if now - self._looked_ms >= LOOK_AGAIN_MS:
                self._looked_ms = now
                self._refresh()
            found = self._known.devices.get((site, device))
        return found is not None and found.retired_at_ms is None

    def _refresh(self) -> None:
        try:
            with self._register.reading() as unit:
                if registry_version(unit) != self._known.version:
                    self._known = known_devices(unit)
        except RegisterError as error:
            log.warning("the list of devices is not to be had, the last one holds: %s", error)
