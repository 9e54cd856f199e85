"""Sites with their dated states and facts, and the devices at them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Table, UniqueConstraint
from sqlalchemy import text as sql

from aldea.storage.register.tables.base import BIG_KEY, ID, big, flag, json_value, metadata, text

site = Table(
    "site",
    metadata,
    text("id", 39, key=True),
    text("name", 200),
    flag("simulated"),
    text("timezone", 64),
    Column("latitude", Float),
    Column("longitude", Float),
    big("created_at_ms"),
    # Id and name folded to plain lower-case letters: what a search looks at, the same on both databases.
    text("search", 300),
)

site_state = Table(
    "site_state",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    Column("site", ID, ForeignKey("site.id", ondelete="CASCADE"), nullable=False),
    text("state", 20),
    big("valid_from_ms"),
    big("valid_to_ms", null=True),
    UniqueConstraint("site", "valid_from_ms"),
    CheckConstraint("valid_to_ms IS NULL OR valid_to_ms > valid_from_ms", name="span"),
    CheckConstraint("state IN ('planned', 'commissioned', 'suspended', 'moved', 'closed')", name="state"),
)
# At most one open entry: what keeps two writers from both leaving the present open.
Index(
    "uq_site_state_open",
    site_state.c.site,
    unique=True,
    sqlite_where=sql("valid_to_ms IS NULL"),
    postgresql_where=sql("valid_to_ms IS NULL"),
)

site_fact = Table(
    "site_fact",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    Column("site", ID, ForeignKey("site.id", ondelete="CASCADE"), nullable=False),
    text("fact", 64),
    # Tells several values of one fact apart that hold at once (a programme's id); else empty.
    text("item", 80),
    json_value("value"),
    # A scalar value as text, so that listings can filter by it the same way on both databases.
    text("value_text", 200, null=True),
    big("valid_from_ms"),
    big("valid_to_ms", null=True),
    UniqueConstraint("site", "fact", "item", "valid_from_ms"),
    CheckConstraint("valid_to_ms IS NULL OR valid_to_ms > valid_from_ms", name="span"),
    Index(None, "fact", "value_text", "site"),
)
Index(
    "uq_site_fact_open",
    site_fact.c.site,
    site_fact.c.fact,
    site_fact.c.item,
    unique=True,
    sqlite_where=sql("valid_to_ms IS NULL"),
    postgresql_where=sql("valid_to_ms IS NULL"),
)

device = Table(
    "device",
    metadata,
    Column("site", ID, ForeignKey("site.id", ondelete="CASCADE"), primary_key=True),
    text("id", 39, key=True),
    text("kind", 40),
    flag("is_primary"),
    json_value("sees"),
    big("enrolled_at_ms"),
    big("retired_at_ms", null=True),
)
Index(
    "uq_device_primary",
    device.c.site,
    unique=True,
    sqlite_where=sql("is_primary"),
    postgresql_where=sql("is_primary"),
)
