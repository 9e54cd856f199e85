"""What the alert engine keeps: who is the active one, and what its rules have gathered of each site."""

from __future__ import annotations

from sqlalchemy import Table

from aldea.storage.register.tables.base import big, json_value, metadata, text

lease = Table(
    "lease",
    metadata,
    text("name", 64, key=True),
    text("holder", 120),
    # Grows whenever the lease changes hands, so that an old holder can tell that it was away.
    big("fence"),
    big("expires_ms"),
)

# The empty site holds what the engine keeps of itself. No foreign key: a site that has just been removed
# must not make the engine's whole transaction fail.
alert_state = Table(
    "alert_state",
    metadata,
    text("rule", 80, key=True),
    text("site", 39, key=True),
    json_value("state"),
)
