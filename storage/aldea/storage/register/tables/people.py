"""People with dated rights, and the people-side records they enter."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from aldea.storage.register.tables.base import BIG_KEY, ID, big, flag, json_value, metadata, text

person = Table(
    "person",
    metadata,
    text("id", 39, key=True),
    text("label", 120),
    text("role", 40),
    json_value("channels"),
    json_value("languages"),
    big("created_at_ms"),
)

# Not "grant": that word is reserved in SQL.
role_grant = Table(
    "role_grant",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    Column("person", ID, ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    text("role", 40),
    text("programme", 80),
    text("region", 80),
    big("valid_from_ms"),
    big("valid_to_ms", null=True),
    UniqueConstraint("person", "role", "programme", "region", "valid_from_ms"),
    CheckConstraint("valid_to_ms IS NULL OR valid_to_ms > valid_from_ms", name="span"),
)

# A correction is a new version of the same id; nothing that was entered is overwritten.
record = Table(
    "record",
    metadata,
    text("id", 64),
    Column("version", Integer, nullable=False),
    Column("supersedes", Integer),
    Column("site", ID, ForeignKey("site.id", ondelete="CASCADE"), nullable=False),
    text("form", 80),
    text("form_version", 40),
    Column("event_date", Date, nullable=False),
    json_value("payload"),
    flag("withdrawn"),
    text("source_device", 39, null=True),
    text("source_epoch", 40, null=True),
    big("source_seq", null=True),
    big("created_at_ms"),
    PrimaryKeyConstraint("id", "version"),
    UniqueConstraint("site", "source_device", "source_epoch", "source_seq"),
    CheckConstraint("version >= 1", name="version"),
    Index(None, "site", "form", "event_date"),
)
