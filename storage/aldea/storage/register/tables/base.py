"""The register's metadata and its column kinds, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import JSON

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Names are fixed by rule, so that a migration can find a constraint on either database."""

ID = String(39)
JSON_VALUE = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
BIG_KEY = BigInteger().with_variant(Integer, "sqlite")
"""Only a column of exactly the type INTEGER counts up by itself on SQLite."""


def text(name: str, length: int = 80, *, null: bool = False, key: bool = False) -> Column[str]:
    """Return a text column."""
    return Column(name, String(length), nullable=null and not key, primary_key=key)


def big(name: str, *, null: bool = False) -> Column[int]:
    """Return a 64-bit integer column: milliseconds since 1970, sequence numbers, counts."""
    return Column(name, BigInteger, nullable=null)


def flag(name: str) -> Column[bool]:
    """Return a yes-or-no column."""
    return Column(name, Boolean, nullable=False)


def json_value(name: str, *, null: bool = False) -> Column[Any]:
    """Return a JSON column (JSONB on PostgreSQL)."""
    return Column(name, JSON_VALUE, nullable=null)
