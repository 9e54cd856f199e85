"""Alembic's entry: runs on the connection that the register hands in, inside its transaction."""

from __future__ import annotations

from alembic import context

from aldea.storage.register.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    # SQLite can't alter most things in place; batch mode copies the table.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
