"""The parts of a device's page that other rooms add: each brings the values of its own template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aldea.dashboard_api.device_view import Box
from aldea.dashboard_api.web.device_settings_routes import settings_section
from aldea.dashboard_api.web.release_page import upgrade_section
from aldea.dashboard_api.web.shown import Shown
from aldea.storage.register.register import Unit

Section = Callable[[Unit, Box, Shown, int], Mapping[str, Any]]
"""Takes the register's unit, the device, the writer of values and the time; returns what its template needs."""

SECTIONS: tuple[Section, ...] = (settings_section, upgrade_section)
"""One line a room. Their templates are included by device.html for those who manage the site."""
