"""Which devices are registered: the register's list, looked at again when it has changed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from aldea.storage.register.devices import KnownDevices, known_devices
from aldea.storage.register.settings import registry_version

if TYPE_CHECKING:
    from aldea.storage.register import Register


class Directory:
    """Answers whether a device is registered, as of the last `refresh`. Safe between threads.

    While the register is away, what was known last holds.
    """

    def __init__(self, register: Register) -> None:
        self._register = register
        self._known = KnownDevices(-1, {})
        self._loaded = threading.Event()

    def wait_loaded(self, seconds: float) -> bool:
        """Wait until the list has been read once; return whether it has."""
        return self._loaded.wait(seconds)

    def is_known(self, site: str, device: str) -> bool:
        """Say whether `device` of `site` is registered and not retired. Never waits for the register."""
        found = self._known.devices.get((site, device))
        return found is not None and found.retired_at_ms is None

    def refresh(self) -> bool:
        """Read the list if it has changed. Raises RegisterError when the register is away; returns False."""
        with self._register.reading() as unit:
            if registry_version(unit) != self._known.version:
                self._known = known_devices(unit)
        self._loaded.set()
        return False
