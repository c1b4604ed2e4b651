"""Runs migrations on the connection the store hands over; there is no alembic.ini and no second way in."""

from alembic import context

from hub.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
