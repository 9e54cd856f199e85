"""Incidents with their timeline, commands to devices and what sites say of them, published indicator values."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from aldea.storage.register.tables.base import BIG_KEY, ID, big, flag, json_value, metadata, text

incident = Table(
    "incident",
    metadata,
    text("id", 64, key=True),
    # Empty for an incident of the platform or of a group of sites.
    Column("site", ID, ForeignKey("site.id", ondelete="CASCADE")),
    text("rule", 80),
    text("state", 20),
    text("cause", 40, null=True),
    big("opened_at_ms"),
    big("fired_at_ms", null=True),
    big("resolved_at_ms", null=True),
    text("owner", 39, null=True),
    text("acknowledged_by", 39, null=True),
    big("acknowledged_at_ms", null=True),
    json_value("summary"),
    Column("revision", Integer, nullable=False),
    flag("simulated"),
    # The incident that this one is part of: of a group, of the platform, of a flapping site.
    text("parent", 64, null=True),
    Index(None, "site", "opened_at_ms"),
    Index(None, "state", "opened_at_ms"),
    Index(None, "opened_at_ms", "id"),
    Index(None, "parent"),
)

incident_event = Table(
    "incident_event",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    Column("incident", ForeignKey("incident.id", ondelete="CASCADE"), nullable=False),
    big("at_ms"),
    text("kind", 40),
    text("author", 39, null=True),
    json_value("detail"),
    Index(None, "incident", "at_ms"),
)

command = Table(
    "command",
    metadata,
    text("id", 64, key=True),
    Column("site", ID, nullable=False),
    Column("device", ID, nullable=False),
    text("kind", 40),
    json_value("payload"),
    big("created_at_ms"),
    big("expires_at_ms"),
    # When the device was first heard to have it, and when it was done with it.
    big("delivered_at_ms", null=True),
    big("answered_at_ms", null=True),
    json_value("answer", null=True),
    text("state", 20),
    text("author", 120, null=True),
    big("sent_at_ms", null=True),
    Column("attempts", Integer, nullable=False),
    # The device's own time of the newest word that was heard of it.
    big("told_at_ms", null=True),
    ForeignKeyConstraint(["site", "device"], ["device.site", "device.id"], ondelete="CASCADE"),
    CheckConstraint("expires_at_ms > created_at_ms", name="span"),
    Index(None, "site", "device", "created_at_ms"),
    Index(None, "state", "expires_at_ms"),
)

repair = Table(
    "repair",
    metadata,
    Column("site", ID, primary_key=True),
    # Given by the box.
    text("id", 64, key=True),
    Column("device", ID, nullable=False),
    # When the server heard of it; when it was said, by the box's own time where that is known.
    big("heard_at_ms"),
    big("said_at_ms", null=True),
    text("state", 20),
    json_value("findings"),
    text("note", 1024),
    big("judged_at_ms", null=True),
    json_value("verdict", null=True),
    ForeignKeyConstraint(["site", "device"], ["device.site", "device.id"], ondelete="CASCADE"),
    Index(None, "state", "heard_at_ms"),
)

returned_document = Table(
    "returned_document",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    Column("site", ID, nullable=False),
    Column("device", ID, nullable=False),
    text("epoch", 32),
    big("seq"),
    text("measurement", 80),
    json_value("fields"),
    text("reason", 500),
    big("at_ms"),
    UniqueConstraint("site", "device", "epoch", "seq", name="uq_returned_document_row"),
)

indicator_value = Table(
    "indicator_value",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    text("indicator", 80),
    text("method_version", 20),
    text("area_level", 20),
    text("area_code", 39),
    text("period", 20),
    # Empty for "all programmes": a null would let the same value in twice.
    text("programme", 80),
    json_value("disagg"),
    # The disaggregation as canonical text, because JSON itself can't be part of a key.
    text("disagg_key", 300),
    flag("simulated"),
    Column("revision", Integer, nullable=False),
    Column("value", Float),
    text("unit", 40),
    Column("numerator", Float),
    Column("denominator", Float),
    Column("coverage", Float),
    Column("bounds_low", Float),
    Column("bounds_high", Float),
    Column("ci_low", Float),
    Column("ci_high", Float),
    big("n", null=True),
    Column("sites_reporting", Integer),
    Column("sites_expected", Integer),
    text("evidence", 30),
    text("status", 1),
    big("computed_at_ms"),
    # What numerator over denominator is multiplied by; words that say more than the status.
    Column("factor", Float, nullable=False),
    json_value("notes"),
    # A closed value is never overwritten: a change is a new revision, and `newest` is the one that counts.
    flag("closed"),
    flag("newest"),
    # The feed's position of each collector at which it was computed.
    json_value("positions"),
    Index(None, "simulated", "newest", "period", "indicator"),
    UniqueConstraint(
        "indicator",
        "area_level",
        "area_code",
        "period",
        "programme",
        "disagg_key",
        "simulated",
        "method_version",
        "revision",
        name="uq_indicator_value_identity",
    ),
    CheckConstraint(
        "evidence IN ('measured', 'administrative', 'self_report', 'assessed', 'external_evaluation')",
        name="evidence",
    ),
    CheckConstraint("status IN ('A', 'E', 'P', 'Q', 'L', 'M', 'O', 'U')", name="status"),
)
