"""Records from the boxes that could not be taken, and which forms the boxes have."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "returned_record",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("record", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("form", sa.String(length=80), nullable=False),
        sa.Column("form_version", sa.String(length=40), nullable=False),
        sa.Column("programme", sa.String(length=80), nullable=False),
        sa.Column("event_date", sa.String(length=20), nullable=False),
        sa.Column("payload", JSON_VALUE, nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("sentences", JSON_VALUE, nullable=False),
        sa.Column("arrived_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("resolution", sa.String(length=20), nullable=True),
        sa.Column("resolved_by", sa.String(length=39), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_returned_record_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", "record", "version", name=op.f("pk_returned_record")),
    )
    op.create_index(
        op.f("ix_returned_record_resolved_at_ms_arrived_at_ms"),
        "returned_record",
        ["resolved_at_ms", "arrived_at_ms"],
        unique=False,
    )
    op.create_table(
        "device_forms",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("versions", JSON_VALUE, nullable=False),
        sa.Column("told_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "device"],
            ["device.site", "device.id"],
            name=op.f("fk_device_forms_site_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "device", name=op.f("pk_device_forms")),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("device_forms")
    op.drop_index(op.f("ix_returned_record_resolved_at_ms_arrived_at_ms"), table_name="returned_record")
    op.drop_table("returned_record")
