"""What each collector says of itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "collector_status",
        sa.Column("collector", sa.String(length=39), nullable=False),
        sa.Column("reported_ms", sa.BigInteger(), nullable=False),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("last_commit_ms", sa.BigInteger(), nullable=True),
        sa.Column("journal_position", sa.BigInteger(), nullable=False),
        sa.Column("series_position", sa.BigInteger(), nullable=False),
        sa.Column("feed_position", sa.BigInteger(), nullable=False),
        sa.Column("counters", JSON_VALUE, nullable=False),
        sa.Column("quarantine", JSON_VALUE, nullable=False),
        sa.Column("series_error", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("collector", name=op.f("pk_collector_status")),
    )


def downgrade() -> None:
    op.drop_table("collector_status")
