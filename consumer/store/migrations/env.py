"""Runs the revisions on the connection that `migrate` gives; Alembic loads this file."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
