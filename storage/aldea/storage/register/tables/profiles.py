"""Settings of agents as they are decided here: profiles, which site has which, what differs at a device."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, Table

from aldea.storage.register.tables.base import ID, big, json_value, metadata, text

settings_profile = Table(
    "settings_profile",
    metadata,
    text("id", 39, key=True),
    text("name", 120),
    json_value("document"),
    Column("revision", Integer, nullable=False),
    text("changed_by", 120, null=True),
    big("changed_at_ms"),
)

# What a profile (`profile:<id>`) or a device's differences (`device:<site>/<device>`) said before, to go back to.
settings_history = Table(
    "settings_history",
    metadata,
    text("subject", 100, key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    text("name", 120),
    json_value("document"),
    text("changed_by", 120, null=True),
    big("changed_at_ms"),
)

site_profile = Table(
    "site_profile",
    metadata,
    Column("site", ID, ForeignKey("site.id", ondelete="CASCADE"), primary_key=True),
    Column("profile", ID, ForeignKey("settings_profile.id"), nullable=False),
    Index(None, "profile", "site"),
)

device_settings = Table(
    "device_settings",
    metadata,
    Column("site", ID, primary_key=True),
    Column("device", ID, primary_key=True),
    json_value("differences"),
    # Counts the changes of the differences.
    Column("revision", Integer, nullable=False),
    text("changed_by", 120, null=True),
    big("changed_at_ms", null=True),
    # Counts what was sent to the device: the revision in its commands.
    Column("sent_revision", Integer, nullable=False),
    ForeignKeyConstraint(["site", "device"], ["device.site", "device.id"], ondelete="CASCADE"),
)
