"""Where people can be reached, what is to be said to them, and the signs of life of the parts that do it."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Table, Text

from aldea.storage.register.tables.base import BIG_KEY, ID, big, flag, json_value, metadata, text

contact_point = Table(
    "contact_point",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    Column("person", ID, ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    text("kind", 20),
    # What was filled in (address, chat, token …); parts of it are secrets.
    json_value("fields"),
    text("language", 8),
    # Quiet hours in a zone, as minutes of the local day; all empty where there are none.
    text("quiet_zone", 64, null=True),
    Column("quiet_from_minute", Integer),
    Column("quiet_to_minute", Integer),
    flag("enabled"),
    big("verified_ms", null=True),
    big("created_ms"),
    CheckConstraint("quiet_from_minute IS NULL OR quiet_from_minute BETWEEN 0 AND 1439", name="quiet_from"),
    CheckConstraint("quiet_to_minute IS NULL OR quiet_to_minute BETWEEN 0 AND 1439", name="quiet_to"),
    Index(None, "person"),
)

# No foreign keys: the log of what was sent outlives the site, the incident and the contact point.
notification = Table(
    "notification",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),
    text("incident", 64, null=True),
    text("site", 39, null=True),
    text("kind", 24),
    text("recipient", 39),
    big("contact"),
    text("channel", 20),
    text("language", 8),
    flag("urgent"),
    text("subject", 300),
    Column("body", Text, nullable=False),
    text("short", 200),
    json_value("document"),
    text("collapse_key", 200),
    big("created_ms"),
    big("not_before_ms"),
    big("expires_ms"),
    text("state", 12),
    Column("attempts", Integer, nullable=False),
    # When it is looked at next; until then another worker may be sending it.
    big("next_attempt_ms"),
    text("last_error", 500, null=True),
    big("decided_ms", null=True),
    # The one message that carried it: several that were joined share it.
    text("message", 40, null=True),
    CheckConstraint(
        "state IN ('waiting', 'sending', 'sent', 'failed', 'expired', 'collapsed')",
        name="state",
    ),
    Index(None, "state", "next_attempt_ms"),
    Index(None, "contact", "state"),
    Index(None, "incident"),
    Index(None, "created_ms"),
)

liveness_mark = Table(
    "liveness_mark",
    metadata,
    text("component", 40, key=True),
    big("marked_ms"),
    # Something that only grows while the component gets on with its work.
    big("progress"),
)
