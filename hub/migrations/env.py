"""Run by Alembic: applies the migrations on the connection that `hub.migrations.migrate` hands over."""

from __future__ import annotations

from alembic import context

from hub.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter most things in place
)
with context.begin_transaction():
    context.run_migrations()
