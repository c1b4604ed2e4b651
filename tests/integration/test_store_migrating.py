"""A store is brought up to this program's schema while programs of the version before work on it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from hub.store import dialect, open_store
from hub.store.opening import HEAD, MIGRATIONS, schema_version
from tests.commands import until


def at_version(url: str, version: str) -> Engine:
    """Return a store as a program with that schema leaves it."""
    engine = dialect.connect(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with dialect.writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
    return engine


def _waits(engine: Engine) -> bool:
    blocked = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    with dialect.reading(engine) as connection:
        return bool(connection.scalar(blocked))


@pytest.mark.server
def test_a_migration_that_meets_a_transaction_going_the_other_way_round_is_tried_again(postgresql_url: str) -> None:
    older = at_version(postgresql_url, "0002")
    with ThreadPoolExecutor(1) as threads:
        with dialect.writing(older) as settling:  # as T3 does: a window is closed, then it is looked how its system stands
            settling.execute(text('UPDATE "window" SET closed_at = 1'))
            opening = threads.submit(open_store, postgresql_url)
            until(lambda: _waits(older), "the migration waits for the window")
            settling.execute(text('SELECT * FROM "system"'))
        store = opening.result(60)
    assert schema_version(older) == HEAD
    store.close()
    older.dispose()
