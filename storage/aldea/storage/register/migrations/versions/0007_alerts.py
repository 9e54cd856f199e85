"""Alert engine: fold state, leases, incidents in full."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=120), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "alert_state",
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("state", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("rule", "site", name=op.f("pk_alert_state")),
    )
    # Never by copying the table, as SQLite's batch mode does: dropping the old one would take the timelines along.
    op.add_column("incident", sa.Column("simulated", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("incident", sa.Column("parent", sa.String(length=64), nullable=True))
    op.create_index(op.f("ix_incident_opened_at_ms_id"), "incident", ["opened_at_ms", "id"], unique=False)
    op.create_index(op.f("ix_incident_parent"), "incident", ["parent"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_incident_parent"), table_name="incident")
    op.drop_index(op.f("ix_incident_opened_at_ms_id"), table_name="incident")
    op.drop_column("incident", "parent")
    op.drop_column("incident", "simulated")
    op.drop_table("alert_state")
    op.drop_table("lease")
