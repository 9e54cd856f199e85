"""Settled truth: slots of a day, intervals, what is still to be settled, maintenance windows, daily usage."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
)

from aldea.storage.register.tables.base import BIG_KEY, ID, big, flag, json_value, metadata, text


def _site() -> Column[str]:
    return Column("site", ID, ForeignKey("site.id", ondelete="CASCADE"), primary_key=True)


# A day that is over is never overwritten: a change is a new revision. Kept for ever.
slot_day = Table(
    "slot_day",
    metadata,
    _site(),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),
    json_value("positions"),
    big("computed_ms"),
)

# The newest revision's intervals, cut at UTC midnight.
truth_interval = Table(
    "truth_interval",
    metadata,
    _site(),
    Column("start_ms", BIG_KEY, primary_key=True, autoincrement=False),
    big("end_ms"),
    text("state", 10),
    text("cause", 20, null=True),
    json_value("evidence"),
    CheckConstraint("state IN ('up', 'down', 'planned', 'off', 'unknown')", name="state"),
    CheckConstraint("end_ms > start_ms", name="span"),
)

# `mark` grows with each marking, so that a mark made while its day is being settled is not lost.
truth_dirty = Table(
    "truth_dirty",
    metadata,
    _site(),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("mark", Integer, nullable=False),
    Index(None, "day"),
)

# How far a site has been judged, and what its boots and its registered facts were when it was.
truth_progress = Table(
    "truth_progress",
    metadata,
    _site(),
    big("judged_from_ms"),
    big("judged_until_ms"),
    text("registered", 64),
    json_value("boots"),
)

collector_outage = Table(
    "collector_outage",
    metadata,
    text("collector", 39, key=True),
    Column("from_ms", BIG_KEY, primary_key=True, autoincrement=False),
    big("to_ms"),
)

maintenance = Table(
    "maintenance",
    metadata,
    text("id", 40, key=True),
    Column("site", ID, ForeignKey("site.id", ondelete="CASCADE")),
    text("programme", 80, null=True),
    text("region", 80, null=True),
    flag("simulated"),
    big("from_ms"),
    big("to_ms"),
    big("announced_ms"),
    flag("approved"),
    text("reason", 500),
    text("author", 39, null=True),
    # What the settler has last taken into account; empty: nothing yet.
    text("considered", 120),
    CheckConstraint("to_ms >= from_ms", name="span"),
    Index(None, "from_ms"),
)

usage_day = Table(
    "usage_day",
    metadata,
    _site(),
    Column("day", Date, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("unique_devices", Integer),
    Column("covered_ratio", Float),
    text("status", 1),
    json_value("positions"),
    big("computed_ms"),
    CheckConstraint("status IN ('A', 'U', 'O', 'L', 'M')", name="status"),
)
