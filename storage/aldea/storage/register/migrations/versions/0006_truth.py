"""Settled truth: slots of a day, intervals, maintenance windows, daily usage."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _slots()
    _progress()
    op.create_table(
        "maintenance",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("site", sa.String(length=39), nullable=True),
        sa.Column("programme", sa.String(length=80), nullable=True),
        sa.Column("region", sa.String(length=80), nullable=True),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("from_ms", sa.BigInteger(), nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.Column("announced_ms", sa.BigInteger(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("author", sa.String(length=39), nullable=True),
        sa.Column("considered", sa.String(length=120), nullable=False),
        sa.CheckConstraint("to_ms >= from_ms", name=op.f("ck_maintenance_span")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_maintenance_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_maintenance")),
    )
    op.create_index(op.f("ix_maintenance_from_ms"), "maintenance", ["from_ms"], unique=False)
    op.create_table(
        "usage_day",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unique_devices", sa.Integer(), nullable=True),
        sa.Column("covered_ratio", sa.Float(), nullable=True),
        sa.Column("status", sa.String(length=1), nullable=False),
        sa.Column("positions", JSON_VALUE, nullable=False),
        sa.Column("computed_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("status IN ('A', 'U', 'O', 'L', 'M')", name=op.f("ck_usage_day_status")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_usage_day_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", "day", "revision", name=op.f("pk_usage_day")),
    )


def _slots() -> None:
    op.create_table(
        "slot_day",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("positions", JSON_VALUE, nullable=False),
        sa.Column("computed_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_slot_day_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", "day", "revision", name=op.f("pk_slot_day")),
    )
    op.create_table(
        "truth_interval",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("start_ms", BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("cause", sa.String(length=20), nullable=True),
        sa.Column("evidence", JSON_VALUE, nullable=False),
        sa.CheckConstraint(
            "state IN ('up', 'down', 'planned', 'off', 'unknown')", name=op.f("ck_truth_interval_state")
        ),
        sa.CheckConstraint("end_ms > start_ms", name=op.f("ck_truth_interval_span")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_truth_interval_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", "start_ms", name=op.f("pk_truth_interval")),
    )


def _progress() -> None:
    op.create_table(
        "truth_dirty",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_truth_dirty_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", "day", name=op.f("pk_truth_dirty")),
    )
    op.create_index(op.f("ix_truth_dirty_day"), "truth_dirty", ["day"], unique=False)
    op.create_table(
        "truth_progress",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("judged_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("judged_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("registered", sa.String(length=64), nullable=False),
        sa.Column("boots", JSON_VALUE, nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_truth_progress_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_truth_progress")),
    )
    op.create_table(
        "collector_outage",
        sa.Column("collector", sa.String(length=39), nullable=False),
        sa.Column("from_ms", BIG_KEY, autoincrement=False, nullable=False),
        sa.Column("to_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collector", "from_ms", name=op.f("pk_collector_outage")),
    )


def downgrade() -> None:
    for table in (
        "usage_day",
        "maintenance",
        "collector_outage",
        "truth_progress",
        "truth_dirty",
        "truth_interval",
        "slot_day",
    ):
        op.drop_table(table)
