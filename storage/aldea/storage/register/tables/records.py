"""Programmes, and the people-side records entered for sites."""

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

from aldea.storage.register.tables.base import ID, big, flag, json_value, metadata, text

programme = Table(
    "programme",
    metadata,
    text("id", 39, key=True),
    text("name", 200),
    text("name_en", 200),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),
    # Form to `month` or `quarter`: what each of its sites owes.
    json_value("duties"),
    # How many days after the end of a period its reports are due.
    Column("due_days", Integer, nullable=False),
    flag("simulated"),
    CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name="span"),
    CheckConstraint("due_days >= 0", name="due_days"),
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
    # Empty: entered for the site as such, whatever programmes it is in.
    text("programme", 80),
    # Where it came in: `web`, `csv` or `agent`.
    text("source", 10),
    text("author", 39, null=True),
    # Why it was corrected or withdrawn.
    text("reason", 300, null=True),
    # Made by whoever sends, so that the same thing sent twice is stored once.
    text("token", 64, null=True),
    # True for the version that counts: the last one.
    flag("newest"),
    PrimaryKeyConstraint("id", "version"),
    UniqueConstraint("site", "source_device", "source_epoch", "source_seq"),
    CheckConstraint("version >= 1", name="version"),
    Index(None, "site", "form", "event_date"),
    Index(None, "form", "event_date"),
    Index(None, "created_at_ms", "id"),
    Index("uq_record_site_token", "site", "token", unique=True),
)
