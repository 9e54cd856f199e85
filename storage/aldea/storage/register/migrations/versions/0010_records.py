"""People-side records: programmes, records by programme, where and by whom they were entered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
ADDED = ("programme", "source", "author", "reason", "token", "newest")


def upgrade() -> None:
    op.create_table(
        "programme",
        sa.Column("id", sa.String(length=39), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_en", sa.String(length=200), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("duties", JSON_VALUE, nullable=False),
        sa.Column("due_days", sa.Integer(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.CheckConstraint("ends_on IS NULL OR ends_on >= starts_on", name=op.f("ck_programme_span")),
        sa.CheckConstraint("due_days >= 0", name=op.f("ck_programme_due_days")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
    )
    op.add_column("record", sa.Column("programme", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("record", sa.Column("source", sa.String(length=10), nullable=False, server_default="web"))
    op.add_column("record", sa.Column("author", sa.String(length=39), nullable=True))
    op.add_column("record", sa.Column("reason", sa.String(length=300), nullable=True))
    op.add_column("record", sa.Column("token", sa.String(length=64), nullable=True))
    op.add_column("record", sa.Column("newest", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute(
        sa.text(
            "UPDATE record SET newest = false WHERE EXISTS "
            "(SELECT 1 FROM record AS later WHERE later.id = record.id AND later.version > record.version)"
        )
    )
    op.create_index(op.f("ix_record_form_event_date"), "record", ["form", "event_date"], unique=False)
    op.create_index(op.f("ix_record_created_at_ms_id"), "record", ["created_at_ms", "id"], unique=False)
    op.create_index("uq_record_site_token", "record", ["site", "token"], unique=True)


def downgrade() -> None:
    op.drop_index("uq_record_site_token", table_name="record")
    op.drop_index(op.f("ix_record_created_at_ms_id"), table_name="record")
    op.drop_index(op.f("ix_record_form_event_date"), table_name="record")
    for name in ADDED:
        op.drop_column("record", name)
    op.drop_table("programme")
