"""Indicator values: what they were computed from, and which revision counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
INDEX = "ix_indicator_value_simulated_newest_period_indicator"


def upgrade() -> None:
    for column in (
        sa.Column("factor", sa.Float(), nullable=False, server_default="1"),
        sa.Column("notes", JSON_VALUE, nullable=False, server_default="[]"),
        sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("newest", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("positions", JSON_VALUE, nullable=False, server_default="{}"),
    ):
        op.add_column("indicator_value", column)
    op.create_index(op.f(INDEX), "indicator_value", ["simulated", "newest", "period", "indicator"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f(INDEX), table_name="indicator_value")
    for name in ("positions", "newest", "closed", "notes", "factor"):
        op.drop_column("indicator_value", name)
