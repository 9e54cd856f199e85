"""What each collector says of itself, so that pages and metrics need no connection to it."""

from __future__ import annotations

from sqlalchemy import Table

from aldea.storage.register.tables.base import big, flag, json_value, metadata, text

collector_status = Table(
    "collector_status",
    metadata,
    text("collector", 39, key=True),
    big("reported_ms"),
    flag("connected"),
    big("last_commit_ms", null=True),
    big("journal_position"),
    big("series_position"),
    big("feed_position"),
    json_value("counters"),
    json_value("quarantine"),
    text("series_error", 500, null=True),
)
