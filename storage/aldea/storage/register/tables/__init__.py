"""The register's tables. Changing one means a new migration; a test compares the two."""

from __future__ import annotations

from aldea.storage.register.tables.base import metadata
from aldea.storage.register.tables.collectors import collector_status
from aldea.storage.register.tables.delivery import boot, feed, feed_cursor, setting, site_status, stream
from aldea.storage.register.tables.operation import command, incident, incident_event, indicator_value
from aldea.storage.register.tables.people import person, record, role_grant
from aldea.storage.register.tables.places import device, site, site_fact, site_state

__all__ = [
    "boot",
    "collector_status",
    "command",
    "device",
    "feed",
    "feed_cursor",
    "incident",
    "incident_event",
    "indicator_value",
    "metadata",
    "person",
    "record",
    "role_grant",
    "setting",
    "site",
    "site_fact",
    "site_state",
    "site_status",
    "stream",
]
