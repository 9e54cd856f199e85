"""Sites with dated states and facts, and their devices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "site",
        sa.Column("id", sa.String(length=39), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("search", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
    )
    op.create_table(
        "device",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("id", sa.String(length=39), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("is_primary", sa.Boolean(), nullable=False),
        sa.Column("sees", JSON_VALUE, nullable=False),
        sa.Column("enrolled_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("retired_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_device_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("site", "id", name=op.f("pk_device")),
    )
    op.create_index(
        "uq_device_primary",
        "device",
        ["site"],
        unique=True,
        sqlite_where=sa.text("is_primary"),
        postgresql_where=sa.text("is_primary"),
    )
    op.create_table(
        "site_fact",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("fact", sa.String(length=64), nullable=False),
        sa.Column("item", sa.String(length=80), nullable=False),
        sa.Column("value", JSON_VALUE, nullable=False),
        sa.Column("value_text", sa.String(length=200), nullable=True),
        sa.Column("valid_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("valid_to_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("valid_to_ms IS NULL OR valid_to_ms > valid_from_ms", name=op.f("ck_site_fact_span")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_site_fact_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_fact")),
        sa.UniqueConstraint(
            "site", "fact", "item", "valid_from_ms", name=op.f("uq_site_fact_site_fact_item_valid_from_ms")
        ),
    )
    op.create_index(
        op.f("ix_site_fact_fact_value_text_site"), "site_fact", ["fact", "value_text", "site"], unique=False
    )
    op.create_index(
        "uq_site_fact_open",
        "site_fact",
        ["site", "fact", "item"],
        unique=True,
        sqlite_where=sa.text("valid_to_ms IS NULL"),
        postgresql_where=sa.text("valid_to_ms IS NULL"),
    )
    op.create_table(
        "site_state",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("valid_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("valid_to_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'commissioned', 'suspended', 'moved', 'closed')",
            name=op.f("ck_site_state_state"),
        ),
        sa.CheckConstraint("valid_to_ms IS NULL OR valid_to_ms > valid_from_ms", name=op.f("ck_site_state_span")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_site_state_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_state")),
        sa.UniqueConstraint("site", "valid_from_ms", name=op.f("uq_site_state_site_valid_from_ms")),
    )
    op.create_index(
        "uq_site_state_open",
        "site_state",
        ["site"],
        unique=True,
        sqlite_where=sa.text("valid_to_ms IS NULL"),
        postgresql_where=sa.text("valid_to_ms IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("site_state")
    op.drop_table("site_fact")
    op.drop_table("device")
    op.drop_table("site")
