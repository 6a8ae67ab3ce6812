"""Run by Alembic: migrates over the connection, and in the transaction, that `Database.open` hands over."""

from alembic import context

from server.storage.database import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    # SQLite can't alter most things of a table in place; Alembic then copies the table.
    render_as_batch=True,
)
context.run_migrations()
