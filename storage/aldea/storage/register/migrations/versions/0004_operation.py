"""Incidents, commands and indicator values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "indicator_value",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("indicator", sa.String(length=80), nullable=False),
        sa.Column("method_version", sa.String(length=20), nullable=False),
        sa.Column("area_level", sa.String(length=20), nullable=False),
        sa.Column("area_code", sa.String(length=39), nullable=False),
        sa.Column("period", sa.String(length=20), nullable=False),
        sa.Column("programme", sa.String(length=80), nullable=False),
        sa.Column("disagg", JSON_VALUE, nullable=False),
        sa.Column("disagg_key", sa.String(length=300), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("unit", sa.String(length=40), nullable=False),
        sa.Column("numerator", sa.Float(), nullable=True),
        sa.Column("denominator", sa.Float(), nullable=True),
        sa.Column("coverage", sa.Float(), nullable=True),
        sa.Column("bounds_low", sa.Float(), nullable=True),
        sa.Column("bounds_high", sa.Float(), nullable=True),
        sa.Column("ci_low", sa.Float(), nullable=True),
        sa.Column("ci_high", sa.Float(), nullable=True),
        sa.Column("n", sa.BigInteger(), nullable=True),
        sa.Column("sites_reporting", sa.Integer(), nullable=True),
        sa.Column("sites_expected", sa.Integer(), nullable=True),
        sa.Column("evidence", sa.String(length=30), nullable=False),
        sa.Column("status", sa.String(length=1), nullable=False),
        sa.Column("computed_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "evidence IN ('measured', 'administrative', 'self_report', 'assessed', 'external_evaluation')",
            name=op.f("ck_indicator_value_evidence"),
        ),
        sa.CheckConstraint(
            "status IN ('A', 'E', 'P', 'Q', 'L', 'M', 'O', 'U')", name=op.f("ck_indicator_value_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator_value")),
        sa.UniqueConstraint(
            "indicator",
            "area_level",
            "area_code",
            "period",
            "programme",
            "disagg_key",
            "simulated",
            "method_version",
            "revision",
            name="uq_indicator_value_identity",
        ),
    )
    op.create_table(
        "incident",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=39), nullable=True),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("fired_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("resolved_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("owner", sa.String(length=39), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=39), nullable=True),
        sa.Column("acknowledged_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("summary", JSON_VALUE, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_incident_site"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index(op.f("ix_incident_site_opened_at_ms"), "incident", ["site", "opened_at_ms"], unique=False)
    op.create_index(op.f("ix_incident_state_opened_at_ms"), "incident", ["state", "opened_at_ms"], unique=False)
    op.create_table(
        "command",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("payload", JSON_VALUE, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("delivered_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("answered_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("answer", JSON_VALUE, nullable=True),
        sa.CheckConstraint("expires_at_ms > created_at_ms", name=op.f("ck_command_span")),
        sa.ForeignKeyConstraint(
            ["site", "device"],
            ["device.site", "device.id"],
            name=op.f("fk_command_site_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command")),
    )
    op.create_index(
        op.f("ix_command_site_device_created_at_ms"),
        "command",
        ["site", "device", "created_at_ms"],
        unique=False,
    )
    op.create_table(
        "incident_event",
        sa.Column("id", BIG_KEY, autoincrement=True, nullable=False),
        sa.Column("incident", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("author", sa.String(length=39), nullable=True),
        sa.Column("detail", JSON_VALUE, nullable=False),
        sa.ForeignKeyConstraint(
            ["incident"], ["incident.id"], name=op.f("fk_incident_event_incident"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_event")),
    )
    op.create_index(op.f("ix_incident_event_incident_at_ms"), "incident_event", ["incident", "at_ms"], unique=False)


def downgrade() -> None:
    op.drop_table("incident_event")
    op.drop_table("command")
    op.drop_table("incident")
    op.drop_table("indicator_value")
