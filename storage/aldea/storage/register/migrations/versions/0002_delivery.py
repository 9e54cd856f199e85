"""What the collector writes, and the consumers' cursors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "boot",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
        sa.Column("estimated", sa.Boolean(), nullable=False),
        sa.Column("clock_state", sa.String(length=16), nullable=False),
        sa.Column("last_mono_ms", sa.BigInteger(), nullable=False),
        sa.Column("first_arrival_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_arrival_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("site", "device", "boot_id", name=op.f("pk_boot")),
    )
    op.create_table(
        "feed",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("collector", sa.String(length=39), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("epoch", sa.String(length=40), nullable=True),
        sa.Column("first_seq", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("arrival_ms", sa.BigInteger(), nullable=False),
        sa.Column("event_from_ms", sa.BigInteger(), nullable=True),
        sa.Column("event_to_ms", sa.BigInteger(), nullable=True),
        sa.Column("lane", sa.String(length=16), nullable=False),
        sa.Column("summary", JSON_VALUE, nullable=False),
        sa.CheckConstraint("kind IN ('batch', 'presence')", name=op.f("ck_feed_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint("collector", "position", "kind", name=op.f("uq_feed_collector_position_kind")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_feed_arrival_ms"), "feed", ["arrival_ms"], unique=False)
    op.create_table(
        "feed_cursor",
        sa.Column("consumer", sa.String(length=64), nullable=False),
        sa.Column("collector", sa.String(length=39), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "collector", name=op.f("pk_feed_cursor")),
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", JSON_VALUE, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )
    op.create_table(
        "site_status",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("last_arrival_ms", sa.BigInteger(), nullable=True),
        sa.Column("last_event_ms", sa.BigInteger(), nullable=True),
        sa.Column("presence", sa.String(length=10), nullable=False),
        sa.Column("presence_changed_ms", sa.BigInteger(), nullable=True),
        sa.Column("connection", sa.BigInteger(), nullable=True),
        sa.Column("interval_seconds", sa.Float(), nullable=True),
        sa.Column("boot_id", sa.String(length=64), nullable=True),
        sa.Column("clock_state", sa.String(length=16), nullable=True),
        sa.Column("agent_version", sa.String(length=64), nullable=True),
        sa.Column("latest", JSON_VALUE, nullable=False),
        sa.CheckConstraint("presence IN ('online', 'offline', 'unknown')", name=op.f("ck_site_status_presence")),
        sa.PrimaryKeyConstraint("site", "device", name=op.f("pk_site_status")),
    )
    op.create_table(
        "stream",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("epoch", sa.String(length=40), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("stored_rows", sa.BigInteger(), nullable=False),
        sa.Column("explained_rows", sa.BigInteger(), nullable=False),
        sa.Column("lost_rows", sa.BigInteger(), nullable=False),
        sa.Column("open_rows", sa.BigInteger(), nullable=False),
        sa.Column("contiguous_seq", sa.BigInteger(), nullable=True),
        sa.Column("contiguous_event_ms", sa.BigInteger(), nullable=True),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("gaps", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("site", "device", "epoch", name=op.f("pk_stream")),
    )


def downgrade() -> None:
    op.drop_table("stream")
    op.drop_table("site_status")
    op.drop_table("setting")
    op.drop_table("feed_cursor")
    op.drop_table("feed")
    op.drop_table("boot")
