"""Accounts: passwords, sessions, tokens, grants in full, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("person", sa.Column("disabled", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("person", sa.Column("language", sa.String(length=8), nullable=True))
    op.create_table(
        "password",
        sa.Column("person", sa.String(length=39), nullable=False),
        sa.Column("hash", sa.String(length=200), nullable=True),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        _of_person("password"),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_password")),
    )
    op.create_table(
        "password_link",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=39), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        _of_person("password_link"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_password_link")),
    )
    op.create_index(op.f("ix_password_link_person"), "password_link", ["person"], unique=False)
    _sessions_and_tokens()
    op.create_table(
        "sign_in_attempt",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("blocked_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index(op.f("ix_sign_in_attempt_last_ms"), "sign_in_attempt", ["last_ms"], unique=False)
    op.create_table(
        "audit_entry",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.String(length=39), nullable=True),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("detail", JSON_VALUE, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(op.f("ix_audit_entry_at_ms"), "audit_entry", ["at_ms"], unique=False)
    op.create_index(op.f("ix_audit_entry_person_at_ms"), "audit_entry", ["person", "at_ms"], unique=False)


def _sessions_and_tokens() -> None:
    op.create_table(
        "web_session",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=39), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("browser", sa.String(length=200), nullable=False),
        _of_person("web_session"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_web_session")),
    )
    op.create_index(op.f("ix_web_session_person"), "web_session", ["person"], unique=False)
    op.create_index(op.f("ix_web_session_created_ms"), "web_session", ["created_ms"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=39), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("permissions", JSON_VALUE, nullable=False),
        sa.Column("programme", sa.String(length=80), nullable=False),
        sa.Column("region", sa.String(length=80), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=True),
        sa.Column("used_ms", sa.BigInteger(), nullable=True),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        _of_person("api_token"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_token_digest")),
    )
    op.create_index(op.f("ix_api_token_person"), "api_token", ["person"], unique=False)


def _of_person(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f(f"fk_{table}_person"), ondelete="CASCADE")


def downgrade() -> None:
    for table in ("audit_entry", "sign_in_attempt", "api_token", "web_session", "password_link", "password"):
        op.drop_table(table)
    op.drop_column("person", "language")
    op.drop_column("person", "disabled")
