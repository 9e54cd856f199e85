"""Accounts: passwords, links to set one, sessions, tokens, sign-in attempts, and who did what.

Secrets are kept as digests alone: what a browser or a program holds can't be read from here.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, UniqueConstraint

from aldea.storage.register.tables.base import BIG_KEY, ID, big, json_value, metadata, text

DIGEST = 64
"""Characters of a SHA-256 digest in hexadecimal."""


def _person() -> Column[str]:
    return Column("person", ID, ForeignKey("person.id", ondelete="CASCADE"), nullable=False)


# The row stays when the password is taken away: whoever has one has had an account.
password = Table(
    "password",
    metadata,
    Column("person", ID, ForeignKey("person.id", ondelete="CASCADE"), primary_key=True),
    text("hash", 200, null=True),
    big("changed_ms"),
)

password_link = Table(
    "password_link",
    metadata,
    text("digest", DIGEST, key=True),
    _person(),
    big("created_ms"),
    big("expires_ms"),
    Index(None, "person"),
)

web_session = Table(
    "web_session",
    metadata,
    text("digest", DIGEST, key=True),
    _person(),
    big("created_ms"),
    big("used_ms"),
    text("address", 64),
    text("browser", 200),
    Index(None, "person"),
    Index(None, "created_ms"),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    text("digest", DIGEST),
    _person(),
    text("name", 80),
    json_value("permissions"),
    text("programme", 80),
    text("region", 80),
    big("created_ms"),
    big("expires_ms", null=True),
    big("used_ms", null=True),
    big("revoked_ms", null=True),
    UniqueConstraint("digest"),
    Index(None, "person"),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    text("key", DIGEST, key=True),
    Column("failures", Integer, nullable=False),
    big("last_ms"),
    big("blocked_until_ms"),
    Index(None, "last_ms"),
)

audit_entry = Table(
    "audit_entry",
    metadata,
    Column("id", BIG_KEY, primary_key=True, autoincrement=True),
    big("at_ms"),
    text("person", 39, null=True),
    text("action", 60),
    text("subject", 120),
    json_value("detail"),
    Index(None, "at_ms"),
    Index(None, "person", "at_ms"),
)
