"""Settings from afar: profiles, and what differs at a device."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

JSON_VALUE = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

# Five-minute sampling sent each quarter of an hour; a keepalive longer than that costs no packet of its own.
FRUGAL: dict[str, object] = {
    "sample_seconds": 300,
    "send_seconds": 900,
    "keepalive_seconds": 1000,
    "http": {"every_seconds": 1800},
    "dns": {"every_seconds": 1800},
    "budget": {"monthly_bytes": 300_000_000},
}
NOTHING: dict[str, object] = {}
READY = (("default", "Standard", NOTHING), ("frugal", "Frugal", FRUGAL))


def upgrade() -> None:
    """Make the tables, and two profiles to begin with."""
    profile = op.create_table(
        "settings_profile",
        sa.Column("id", sa.String(length=39), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("document", JSON_VALUE, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(length=120), nullable=True),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settings_profile")),
    )
    history = op.create_table(
        "settings_history",
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("document", JSON_VALUE, nullable=False),
        sa.Column("changed_by", sa.String(length=120), nullable=True),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "revision", name=op.f("pk_settings_history")),
    )
    op.create_table(
        "site_profile",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("profile", sa.String(length=39), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.id"], name=op.f("fk_site_profile_site"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["profile"], ["settings_profile.id"], name=op.f("fk_site_profile_profile")),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_site_profile")),
    )
    op.create_index(op.f("ix_site_profile_profile_site"), "site_profile", ["profile", "site"], unique=False)
    op.create_table(
        "device_settings",
        sa.Column("site", sa.String(length=39), nullable=False),
        sa.Column("device", sa.String(length=39), nullable=False),
        sa.Column("differences", JSON_VALUE, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_by", sa.String(length=120), nullable=True),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("sent_revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["site", "device"],
            ["device.site", "device.id"],
            name=op.f("fk_device_settings_site_device"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("site", "device", name=op.f("pk_device_settings")),
    )
    for key, name, document in READY:
        row = {"name": name, "document": document, "revision": 1, "changed_by": None, "changed_at_ms": 0}
        op.bulk_insert(profile, [{"id": key, **row}])
        op.bulk_insert(history, [{"subject": f"profile:{key}", **row}])


def downgrade() -> None:
    """Remove them."""
    op.drop_table("device_settings")
    op.drop_index(op.f("ix_site_profile_profile_site"), table_name="site_profile")
    op.drop_table("site_profile")
    op.drop_table("settings_history")
    op.drop_table("settings_profile")
