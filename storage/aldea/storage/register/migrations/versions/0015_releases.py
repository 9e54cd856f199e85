"""Releases of the agent, and their way to the devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "release",
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("manifest", JSON_VALUE, nullable=False),
        sa.Column("signature", sa.String(length=100), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_release")),
    )
    op.create_table(
        "release_file",
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=130), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["version"], ["release.version"], name=op.f("fk_release_file_version"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version", "name", name=op.f("pk_release_file")),
    )
    _rollouts()


def _rollouts() -> None:
    op.create_table(
        "rollout",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("first_site", sa.String(length=39), nullable=True),
        sa.Column("bake_hours", sa.Float(), nullable=False),
        sa.Column("why", JSON_VALUE, nullable=True),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'halted', 'stopped', 'done')", name=op.f("ck_rollout_state")
        ),
        sa.ForeignKeyConstraint(["version"], ["release.version"], name=op.f("fk_rollout_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollout")),
    )
    op.create_index(op.f("ix_rollout_state"), "rollout", ["state"])
    op.create_table(
        "rollout_device",
        sa.Column("rollout", BIG_KEY, nullable=False),
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("progress", sa.String(length=20), nullable=False),
        sa.Column("command", sa.String(length=64), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("trying_ms", sa.BigInteger(), nullable=True),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("detail", JSON_VALUE, nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout"], ["rollout.id"], name=op.f("fk_rollout_device_rollout"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("rollout", "site", "device", name=op.f("pk_rollout_device")),
    )
    op.create_index(op.f("ix_rollout_device_site_device"), "rollout_device", ["site", "device"])


def downgrade() -> None:
    """Remove the tables."""
    for table in ("rollout_device", "rollout", "release_file", "release"):
        op.drop_table(table)
