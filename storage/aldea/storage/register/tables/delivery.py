"""What the collector writes: feed, live status, stream coverage, boots; and the consumers' cursors.

These tables name sites and devices without a foreign key: the collector works from a cached list, and a
site that has just been removed must not make its whole transaction fail.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, Index, Table, UniqueConstraint

from aldea.storage.register.tables.base import BIG_KEY, big, flag, json_value, metadata, text

feed = Table(
    "feed",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    text("collector", 39),
    big("position"),
    text("kind", 16),
    text("site", 39),
    text("device", 39),
    text("epoch", 40, null=True),
    big("first_seq", null=True),
    big("last_seq", null=True),
    big("rows"),
    big("arrival_ms"),
    big("event_from_ms", null=True),
    big("event_to_ms", null=True),
    text("lane", 16),
    json_value("summary"),
    UniqueConstraint("collector", "position", "kind"),
    CheckConstraint("kind IN ('batch', 'presence')", name="kind"),
    Index(None, "arrival_ms"),
    # An id must never be given twice, even after the newest rows were trimmed.
    sqlite_autoincrement=True,
)

feed_cursor = Table(
    "feed_cursor",
    metadata,
    text("consumer", 64, key=True),
    text("collector", 39, key=True),
    big("position"),
)

site_status = Table(
    "site_status",
    metadata,
    text("site", 39, key=True),
    text("device", 39, key=True),
    big("last_arrival_ms", null=True),
    big("last_event_ms", null=True),
    text("presence", 10),
    big("presence_changed_ms", null=True),
    big("connection", null=True),
    Column("interval_seconds", Float),
    text("boot_id", 64, null=True),
    text("clock_state", 16, null=True),
    text("agent_version", 64, null=True),
    json_value("latest"),
    CheckConstraint("presence IN ('online', 'offline', 'unknown')", name="presence"),
)

stream = Table(
    "stream",
    metadata,
    text("site", 39, key=True),
    text("device", 39, key=True),
    text("epoch", 40, key=True),
    big("first_seq"),
    big("last_seq"),
    big("stored_rows"),
    big("explained_rows"),
    big("lost_rows"),
    big("open_rows"),
    big("contiguous_seq", null=True),
    big("contiguous_event_ms", null=True),
    big("updated_at_ms"),
    json_value("gaps"),
)

boot = Table(
    "boot",
    metadata,
    text("site", 39, key=True),
    text("device", 39, key=True),
    text("boot_id", 64, key=True),
    big("started_ms", null=True),
    flag("estimated"),
    text("clock_state", 16),
    big("last_mono_ms"),
    big("first_arrival_ms"),
    big("last_arrival_ms"),
)

setting = Table("setting", metadata, text("key", 64, key=True), json_value("value", null=True))
