"""People with dated rights."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Table,
    UniqueConstraint,
    false,
)

from aldea.storage.register.tables.base import BIG_KEY, ID, big, json_value, metadata, text

person = Table(
    "person",
    metadata,
    text("id", 39, key=True),
    text("label", 120),
    text("role", 40),
    json_value("channels"),
    json_value("languages"),
    big("created_at_ms"),
    Column("disabled", Boolean, nullable=False, default=False, server_default=false()),
    text("language", 8, null=True),
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
