"""Enrolment: one-time codes and devices' broker credentials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _codes()
    _credentials()
    op.create_table(
        "enrolment_attempt",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_attempt")),
    )
    op.create_index(op.f("ix_enrolment_attempt_at_ms"), "enrolment_attempt", ["at_ms"])
    op.create_table(
        "import_upload",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_upload")),
    )
    op.create_index(op.f("ix_import_upload_created_ms"), "import_upload", ["created_ms"])


def _codes() -> None:
    op.create_table(
        "enrolment_code",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_enrolment_code_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment_code")),
    )
    op.create_index(op.f("ix_enrolment_code_code_hash"), "enrolment_code", ["code_hash"], unique=True)
    op.create_index(op.f("ix_enrolment_code_site_device"), "enrolment_code", ["site", "device"])


def _credentials() -> None:
    op.create_table(
        "broker_credential",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("username", sa.String(length=80), nullable=False),
        sa.Column("site", sa.String(length=39), nullable=True),
        sa.Column("device", sa.String(length=39), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("hardware", JSON_VALUE, nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["site", "device"],
            ["device.site", "device.id"],
            name=op.f("fk_broker_credential_site_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broker_credential")),
    )
    op.create_index(op.f("ix_broker_credential_site_device"), "broker_credential", ["site", "device"])
    op.create_index(
        "uq_broker_credential_valid",
        "broker_credential",
        ["username"],
        unique=True,
        sqlite_where=sa.text("revoked_ms IS NULL"),
        postgresql_where=sa.text("revoked_ms IS NULL"),
    )


def downgrade() -> None:
    """Remove the tables."""
    for table in ("import_upload", "enrolment_attempt", "broker_credential", "enrolment_code"):
        op.drop_table(table)
