"""Records from the boxes that could not be taken, and which forms the boxes have."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, Integer, PrimaryKeyConstraint, Table

from aldea.storage.register.tables.base import ID, big, flag, json_value, metadata, text

# Given back to the site with the reasons; kept as it came until somebody has dealt with it.
returned_record = Table(
    "returned_record",
    metadata,
    Column("site", ID, ForeignKey("site.id", ondelete="CASCADE"), nullable=False),
    text("record", 64),
    # The box's own count of the record's versions.
    Column("version", Integer, nullable=False),
    text("device", 39),
    text("form", 80),
    text("form_version", 40),
    text("programme", 80),
    text("event_date", 20),
    json_value("payload"),
    flag("withdrawn"),
    text("reason", 300),
    # By language: what is wrong, a sentence each.
    json_value("sentences"),
    big("arrived_at_ms"),
    big("resolved_at_ms", null=True),
    # `entered` at the server, `replaced` by a later version, or `dismissed`.
    text("resolution", 20, null=True),
    text("resolved_by", 39, null=True),
    PrimaryKeyConstraint("site", "record", "version"),
    Index(None, "resolved_at_ms", "arrived_at_ms"),
)

device_forms = Table(
    "device_forms",
    metadata,
    Column("site", ID, nullable=False),
    Column("device", ID, nullable=False),
    # Form to version, as the device told it.
    json_value("versions"),
    big("told_at_ms"),
    PrimaryKeyConstraint("site", "device"),
    ForeignKeyConstraint(["site", "device"], ["device.site", "device.id"], ondelete="CASCADE"),
)
