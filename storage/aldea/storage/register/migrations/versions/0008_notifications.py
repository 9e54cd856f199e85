"""Notifications: contact points, the outbox, what was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _contacts()
    _notifications()
    op.create_table(
        "liveness_mark",
        sa.Column("component", sa.String(length=40), nullable=False),
        sa.Column("marked_ms", sa.BigInteger(), nullable=False),
        sa.Column("progress", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("component", name=op.f("pk_liveness_mark")),
    )


def _contacts() -> None:
    op.create_table(
        "contact_point",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("person", sa.String(length=39), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("fields", JSON_VALUE, nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("quiet_zone", sa.String(length=64), nullable=True),
        sa.Column("quiet_from_minute", sa.Integer(), nullable=True),
        sa.Column("quiet_to_minute", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("verified_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "quiet_from_minute IS NULL OR quiet_from_minute BETWEEN 0 AND 1439",
            name=op.f("ck_contact_point_quiet_from"),
        ),
        sa.CheckConstraint(
            "quiet_to_minute IS NULL OR quiet_to_minute BETWEEN 0 AND 1439", name=op.f("ck_contact_point_quiet_to")
        ),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_contact_point_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_point")),
    )
    op.create_index(op.f("ix_contact_point_person"), "contact_point", ["person"], unique=False)


def _notifications() -> None:
    op.create_table(
        "notification",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("incident", sa.String(length=64), nullable=True),
        sa.Column("site", sa.String(length=39), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("recipient", sa.String(length=39), nullable=False),
        sa.Column("contact", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("short", sa.String(length=200), nullable=False),
        sa.Column("document", JSON_VALUE, nullable=False),
        sa.Column("collapse_key", sa.String(length=200), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("not_before_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("decided_ms", sa.BigInteger(), nullable=True),
        sa.Column("message", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'sending', 'sent', 'failed', 'expired', 'collapsed')",
            name=op.f("ck_notification_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification")),
        sa.UniqueConstraint("key", name=op.f("uq_notification_key")),
    )
    for columns in (["state", "next_attempt_ms"], ["contact", "state"], ["incident"], ["created_ms"]):
        op.create_index(op.f(f"ix_notification_{'_'.join(columns)}"), "notification", columns, unique=False)


def downgrade() -> None:
    op.drop_table("liveness_mark")
    op.drop_table("notification")
    op.drop_table("contact_point")
