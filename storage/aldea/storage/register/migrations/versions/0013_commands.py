"""Commands: who asked, when they were sent, what became of them; repairs reported at a site."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.add_column("command", sa.Column("state", sa.String(length=20), nullable=False, server_default="waiting"))
    op.add_column("command", sa.Column("author", sa.String(length=120), nullable=True))
    op.add_column("command", sa.Column("sent_at_ms", sa.BigInteger(), nullable=True))
    op.add_column("command", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("command", sa.Column("told_at_ms", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_command_state_expires_at_ms"), "command", ["state", "expires_at_ms"], unique=False)
    op.create_table(
        "repair",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("heard_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("said_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("findings", JSON_VALUE, nullable=False),
        sa.Column("note", sa.String(length=1024), nullable=False),
        sa.Column("judged_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("verdict", JSON_VALUE, nullable=True),
        sa.ForeignKeyConstraint(
            ["site", "device"],
            ["device.site", "device.id"],
            name=op.f("fk_repair_site_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "id", name=op.f("pk_repair")),
    )
    op.create_index(op.f("ix_repair_state_heard_at_ms"), "repair", ["state", "heard_at_ms"], unique=False)
    op.create_table(
        "returned_document",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("epoch", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("measurement", sa.String(length=80), nullable=False),
        sa.Column("fields", JSON_VALUE, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_returned_document")),
        sa.UniqueConstraint("site", "device", "epoch", "seq", name="uq_returned_document_row"),
    )


def downgrade() -> None:
    """Remove them."""
    op.drop_table("returned_document")
    op.drop_index(op.f("ix_repair_state_heard_at_ms"), table_name="repair")
    op.drop_table("repair")
    op.drop_index(op.f("ix_command_state_expires_at_ms"), table_name="command")
    for column in ("told_at_ms", "attempts", "sent_at_ms", "author", "state"):
        op.drop_column("command", column)
