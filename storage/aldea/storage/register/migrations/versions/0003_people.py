"""People, their rights and their records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "person",
        sa.Column("id", sa.String(length=39), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("channels", JSON_VALUE, nullable=False),
        sa.Column("languages", JSON_VALUE, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "record",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("supersedes", sa.Integer(), nullable=True),
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("form", sa.String(length=80), nullable=False),
        sa.Column("form_version", sa.String(length=40), nullable=False),
        sa.Column("event_date", sa.Date(), nullable=False),
        sa.Column("payload", JSON_VALUE, nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("source_device", sa.String(length=39), nullable=True),
        sa.Column("source_epoch", sa.String(length=40), nullable=True),
        sa.Column("source_seq", sa.BigInteger(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_record_version")),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_record_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_record")),
        sa.UniqueConstraint(
            "site",
            "source_device",
            "source_epoch",
            "source_seq",
            name=op.f("uq_record_site_source_device_source_epoch_source_seq"),
        ),
    )
    op.create_index(op.f("ix_record_site_form_event_date"), "record", ["site", "form", "event_date"], unique=False)
    op.create_table(
        "role_grant",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("person", sa.String(length=39), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("programme", sa.String(length=80), nullable=False),
        sa.Column("region", sa.String(length=80), nullable=False),
        sa.Column("valid_from_ms", sa.BigInteger(), nullable=False),
        sa.Column("valid_to_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("valid_to_ms IS NULL OR valid_to_ms > valid_from_ms", name=op.f("ck_role_grant_span")),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_role_grant_person"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
        sa.UniqueConstraint(
            "person",
            "role",
            "programme",
            "region",
            "valid_from_ms",
            name=op.f("uq_role_grant_person_role_programme_region_valid_from_ms"),
        ),
    )


def downgrade() -> None:
    op.drop_table("role_grant")
    op.drop_table("record")
    op.drop_table("person")
