"""One-time codes, the broker's credentials, wrong attempts, and files that wait for an import to be confirmed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Table
from sqlalchemy import text as sql

from aldea.storage.register.tables.base import BIG_KEY, ID, big, json_value, metadata, text

enrolment_code = Table(
    "enrolment_code",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    Column("site", ID, ForeignKey("site.id", ondelete="CASCADE"), nullable=False),
    text("device", 39),
    text("code_hash", 64),
    text("author", 120),
    big("created_ms"),
    big("expires_ms"),
    big("used_ms", null=True),
    big("withdrawn_ms", null=True),
    Index(None, "code_hash", unique=True),
    Index(None, "site", "device"),
)

# A credential is never changed: a new one is made, and the old one keeps when it ended.
broker_credential = Table(
    "broker_credential",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    text("username", 80),
    # Empty for the server's own parts.
    Column("site", ID),
    Column("device", ID),
    text("password_hash", 200),
    json_value("hardware"),
    big("created_ms"),
    big("revoked_ms", null=True),
    ForeignKeyConstraint(["site", "device"], ["device.site", "device.id"], ondelete="CASCADE"),
    Index(None, "site", "device"),
)
Index(
    "uq_broker_credential_valid",
    broker_credential.c.username,
    unique=True,
    sqlite_where=sql("revoked_ms IS NULL"),
    postgresql_where=sql("revoked_ms IS NULL"),
)

enrolment_attempt = Table(
    "enrolment_attempt",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    text("source", 80),
    big("at_ms"),
    Index(None, "at_ms"),
)

import_upload = Table(
    "import_upload",
    metadata,
    text("id", 64, key=True),
    text("owner", 120),
    text("name", 200),
    Column("content", LargeBinary, nullable=False),
    big("created_ms"),
    Index(None, "created_ms"),
)
