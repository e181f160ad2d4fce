"""Alembic's entry: runs on the connection that the store hands over, inside its transaction."""

from alembic import context

from mtproto_bridge.store.tables import Base

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
context.run_migrations()
