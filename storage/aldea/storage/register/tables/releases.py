"""Releases of the agent, and how they go out."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, LargeBinary, Table

from aldea.storage.register.tables.base import BIG_KEY, ID, big, json_value, metadata, text

release = Table(
    "release",
    metadata,
    text("version", 40, key=True),
    json_value("manifest"),
    text("signature", 100),
    text("author", 120),
    big("added_ms"),
)

release_file = Table(
    "release_file",
    metadata,
    Column("version", ForeignKey("release.version", ondelete="CASCADE"), primary_key=True),
    text("name", 130, key=True),
    big("size_bytes"),
    text("sha256", 64),
    Column("content", LargeBinary, nullable=False),
)

rollout = Table(
    "rollout",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    Column("version", ForeignKey("release.version"), nullable=False),
    text("state", 20),
    Column("wave", Integer, nullable=False),
    text("first_site", 39, null=True),
    Column("bake_hours", Float, nullable=False),
    json_value("why", null=True),
    text("author", 120),
    big("created_ms"),
    big("changed_ms"),
    CheckConstraint("state IN ('running', 'paused', 'halted', 'stopped', 'done')", name="state"),
    Index(None, "state"),
)

# Without a key to `device`: the history of a rollout stays when a site goes.
rollout_device = Table(
    "rollout_device",
    metadata,
    Column("rollout", ForeignKey("rollout.id", ondelete="CASCADE"), primary_key=True),
    Column("site", ID, primary_key=True),
    Column("device", ID, primary_key=True),
    Column("wave", Integer, nullable=False),
    text("progress", 20),
    text("command", 64),
    big("asked_ms"),
    big("trying_ms", null=True),
    big("ended_ms", null=True),
    json_value("detail"),
    Index(None, "site", "device"),
)
