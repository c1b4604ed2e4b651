"""A read that fails half-way, and a source whose tables change: the run says so, and moves nothing beyond what is durable."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from hub.store import schema
from hub.store.runs import Run, RunState
from tests.databases import ddl, run
from tests.feeding import FEED, County, Opened, ago, county

STEP = {"table": "STEP", "key": "ID", "time": "AT"}
#: Who waits for the table's lock, by the server's own lists.
WAITING = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for table%'",
}
ANYBODY = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}
KILL = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
LOCK = {"postgresql": "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", "mysql": "LOCK TABLES {} WRITE"}
UNLOCK = {"postgresql": "ROLLBACK", "mysql": "UNLOCK TABLES"}


# --- connections that the server ends ---


class Assassin:
    """Ends connections on the server itself, by its own command."""

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        self.dialect = self.engine.dialect.name
        self.deaths = 0

    def kill(self, whom: str) -> None:
        with self.engine.connect() as connection:
            for victim in connection.execute(sa.text(whom)).scalars().all():
                try:
                    connection.exec_driver_sql(KILL[self.dialect].format(victim))
                    self.deaths += 1
                except sa.exc.DBAPIError:  # it ended by itself in between
                    continue

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Kill whoever waits for a lock, until the block ends."""
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                self.kill(WAITING[self.dialect])
                over.wait(0.05)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


def test_a_page_that_is_cut_off_leaves_the_cursor_before_it(server_url: str, tmp_path: Path) -> None:
    """Every try at the second page dies while the server works on it."""
    assassin = Assassin(server_url)
    with county(tmp_path, server_url) as here, assassin.engine.connect() as locker:
        here.write(*((f"K{n}", f"v{n}", ago(minutes=50 - n)) for n in range(8)))
        here.during = [lambda: _execute(locker, LOCK, assassin.dialect, here)]
        with assassin.watching():
            failed = here.read()
        _execute(locker, UNLOCK, assassin.dialect, here)
        assert assassin.deaths > 0, "the test must not pass vacuously"
        assert (failed.state, failed.code, failed.read) == (RunState.FAILED, "HUB-S-301", 3)
        assert here.arrived() == {f"K{n}": f"v{n}" for n in range(3)}
        assert here.read().read == 5
        assert here.arrived() == {f"K{n}": f"v{n}" for n in range(8)}


def _execute(connection: sa.Connection, statements: dict[str, str], dialect: str, here: County) -> None:
    if dialect == "postgresql" and statements is LOCK:
        connection.exec_driver_sql("BEGIN")  # the driver itself begins none, and a lock lasts as long as its transaction
    connection.exec_driver_sql(statements[dialect].format(here.name("BJ")))


def test_connections_that_end_between_pages_cost_nothing(server_url: str, tmp_path: Path) -> None:
    assassin = Assassin(server_url)
    with county(tmp_path, server_url, feed={"page": 2}) as here:
        here.write(*((f"K{n}", f"v{n}", ago(minutes=50 - n)) for n in range(8)))
        here.during = [lambda: assassin.kill(ANYBODY[assassin.dialect])] * 3
        assert here.read().state is RunState.DONE
        assert assassin.deaths >= 3
        assert here.arrived() == {f"K{n}": f"v{n}" for n in range(8)}


def test_a_file_that_is_taken_away_leaves_the_cursor_before_the_rest(tmp_path: Path) -> None:
    file, away = tmp_path / "county.db", tmp_path / "away.db"
    with county(tmp_path, f"sqlite:///{file}") as here:
        here.write(*((f"K{n}", f"v{n}", ago(minutes=50 - n)) for n in range(8)))
        here.during = [lambda: file.rename(away) and None]
        failed = here.read()
        assert (failed.state, failed.code, failed.read) == (RunState.FAILED, "HUB-S-303", 3)
        away.rename(file)
        assert here.read().read == 5
        assert here.arrived() == {f"K{n}": f"v{n}" for n in range(8)}


# --- tables that change ---


def dropped(here: County) -> None:
    run(here.there, f"ALTER TABLE {here.name('BJ')} DROP COLUMN {here.name('SQRMC')}")


def renamed(here: County) -> None:
    run(here.there, f"ALTER TABLE {here.name('BJ')} RENAME COLUMN {here.name('SQRMC')} TO {here.name('SQRXM')}")


def retyped(here: County) -> None:
    dropped(here)
    run(here.there, f"ALTER TABLE {here.name('BJ')} ADD COLUMN {here.name('SQRMC')} INTEGER")


def without_time(here: County) -> None:
    run(here.there, f"ALTER TABLE {here.name('BJ')} DROP COLUMN {here.name('GXSJ')}")


def gone(here: County) -> None:
    run(here.there, f"DROP TABLE {here.name('BJ')}")


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (dropped, "HUB-S-320", "table BJ): column SQRMC is gone"),
        (renamed, "HUB-S-320", "table BJ): column SQRMC is gone; column SQRXM is new"),
        (retyped, "HUB-S-320", "table BJ): SQRMC was text and is number"),
        (without_time, "HUB-S-320", "table BJ): column GXSJ is gone"),
        (gone, "HUB-S-303", "there is no table BJ"),
    ],
)
def test_a_change_of_a_table_is_said_by_name_and_moves_nothing(
    opened: Opened, change: Callable[[County], None], code: str, words: str
) -> None:
    here = opened()
    here.write(("A", "v", ago(minutes=9)), ("B", "v", ago(minutes=8)))
    here.read()
    before = here.cursor
    change(here)
    failed = here.read()
    assert (failed.state, failed.code, failed.read) == (RunState.FAILED, code, 0)
    assert words in str(failed.reason)
    assert here.cursor == before and here.hub.count(schema.delivery) == 2


def test_a_lost_column_in_the_middle_of_a_run_is_named_by_the_database(opened: Opened) -> None:
    here = opened()
    here.write(*((f"K{n}", f"v{n}", ago(minutes=50 - n)) for n in range(8)))
    here.during = [lambda: dropped(here)]
    failed = here.read()
    assert (failed.state, failed.code, failed.read) == (RunState.FAILED, "HUB-S-303", 3)
    assert "table BJ" in str(failed.reason) and "SQRMC" in str(failed.reason)
    assert here.arrived() == {f"K{n}": f"v{n}" for n in range(3)}
    assert "column SQRMC is gone" in str(here.read().reason)


def test_a_column_that_a_query_names_is_told_when_it_is_gone(opened: Opened) -> None:
    query = "SELECT t.{BJBH}, t.{SQRMC}, t.{GXSJ} FROM {BJ} t"
    here = opened()
    quoted = query.format(**{name: here.name(name) for name in ("BJBH", "SQRMC", "GXSJ", "BJ")})
    here.feeds(case={"query": quoted, "key": "BJBH", "time": "GXSJ"})
    here.write(("A", "v", ago(minutes=9)))
    assert here.read().state is RunState.DONE
    dropped(here)
    failed = here.read()
    assert failed.code == "HUB-S-303" and "SQRMC" in str(failed.reason)


def test_a_full_run_agrees_to_the_change(opened: Opened) -> None:
    here = opened()
    here.write(("A", "v", ago(minutes=9)), ("B", "v", ago(minutes=8)))
    here.read()
    dropped(here)
    assert here.read().code == here.read().code == "HUB-S-320"
    agreed = here.read(full=True)
    assert (agreed.state, agreed.read) == (RunState.DONE, 2)
    assert here.read().state is RunState.DONE


def test_a_full_run_names_the_change_it_agrees_to(opened: Opened) -> None:
    """Nobody may have seen it before: the run goes on as asked, and tells what is different."""
    here = opened()
    here.write(("A", "v", ago(minutes=9)))
    assert (here.read().code, here.read(full=True).code) == (None, None)
    renamed(here)
    agreed = here.read(full=True)
    assert (agreed.state, agreed.code) == (RunState.DONE, "HUB-S-192")
    assert "table BJ): column SQRMC is gone; column SQRXM is new" in str(agreed.reason)
    assert (here.read().code, here.read(full=True).code) == (None, None)


def test_a_full_run_agrees_also_where_there_is_nothing_to_read(opened: Opened) -> None:
    here = opened()
    here.write(("A", "v", ago(minutes=9)))
    here.read()
    run(here.there, f"DELETE FROM {here.name('BJ')}")
    dropped(here)
    assert (here.read().code, here.read(full=True).code) == ("HUB-S-320", "HUB-S-192")
    assert here.read().state is RunState.DONE


def test_a_full_run_that_breaks_off_forgets_no_columns_of_the_feeds_it_did_not_come_to(opened: Opened) -> None:
    here = opened()
    ddl(here.there, "CREATE TABLE {STEP} ({ID} VARCHAR(9) PRIMARY KEY, {AT} {datetime}, {WHAT} VARCHAR(9))")
    run(here.there, f"INSERT INTO {here.name('STEP')} VALUES ('1', :at, 'w')", {"at": str(ago(minutes=1))})
    here.feeds(case=FEED, step=STEP)
    here.write(("A", "v", ago(minutes=9)))
    here.read()
    assert here.read(full=True, pages=1).state is RunState.INTERRUPTED
    run(here.there, f"ALTER TABLE {here.name('STEP')} DROP COLUMN {here.name('WHAT')}")
    failed = here.read()
    assert failed.code == "HUB-S-320" and "column WHAT is gone" in str(failed.reason)


def test_columns_are_learned_also_while_there_is_nothing_to_read(opened: Opened) -> None:
    here = opened()
    assert here.read().read == 0
    dropped(here)
    assert here.read().code == "HUB-S-320"


def test_a_restored_column_is_read_on_from_the_cursor(opened: Opened) -> None:
    here = opened()
    here.write(("A", "v", ago(minutes=9)))
    here.read()
    run(here.there, f"ALTER TABLE {here.name('BJ')} RENAME COLUMN {here.name('SQRMC')} TO {here.name('SQRXM')}")
    here.read()
    run(here.there, f"ALTER TABLE {here.name('BJ')} RENAME COLUMN {here.name('SQRXM')} TO {here.name('SQRMC')}")
    here.write(("B", "v", ago(minutes=1)))
    assert here.read().accepted == 1
    assert here.arrived() == {"A": "v", "B": "v"}


def test_a_new_column_and_a_wider_one_are_fine(opened: Opened) -> None:
    here = opened()
    here.write(("A", "v", ago(minutes=9)))
    here.read()
    run(here.there, f"ALTER TABLE {here.name('BJ')} ADD COLUMN {here.name('BZ')} VARCHAR(10)")
    _widen(here)
    here.change("A", "w", ago(minutes=1))
    assert here.read().state is RunState.DONE
    assert here.arrived() == {"A": "w"}


def _widen(here: County) -> None:
    name, table = here.name("SQRMC"), here.name("BJ")
    wider = {"postgresql": f"ALTER COLUMN {name} TYPE VARCHAR(300)", "mysql": f"MODIFY {name} VARCHAR(300)"}
    if here.there.dialect.name in wider:
        run(here.there, f"ALTER TABLE {table} {wider[here.there.dialect.name]}")


def test_the_feeds_before_go_on_and_those_behind_are_said_to_wait(opened: Opened) -> None:
    """A step is about a case: without the case it would arrive before it."""
    here = opened()
    here.feeds(before={**STEP, "table": "BEFORE"}, case=FEED, step=STEP)
    for table in ("BEFORE", "STEP"):
        ddl(here.there, f"CREATE TABLE {{{table}}} ({{ID}} VARCHAR(9) PRIMARY KEY, {{AT}} {{datetime}})")
        run(here.there, f"INSERT INTO {here.name(table)} VALUES ('1', :at)", {"at": str(ago(minutes=1))})
    gone(here)
    failed = here.read()
    assert (failed.state, failed.code, failed.read) == (RunState.FAILED, "HUB-S-303", 1)
    assert "the feeds behind it wait: step" in str(failed.reason)


# --- rights ---


@pytest.fixture
def reader(server_url: str, tmp_path: Path) -> Iterator[tuple[County, str]]:
    """Open a county that is read by a user of its own, who may read and nothing else; yield it with the user's name."""
    name = "r" + sa.make_url(server_url).database[-12:]  # type: ignore[index]
    url = sa.make_url(server_url).set(username=name, password="reader")
    with county(tmp_path, server_url) as here:
        ddl(here.there, "CREATE TABLE {OTHER} (id INTEGER)")
        _as_user(here, name, "create")
        here.feeds(case=FEED, url=url.render_as_string(hide_password=False))
        yield here, name
        here.hub.exchange.close()
        _as_user(here, name, "drop")


def _as_user(here: County, name: str, what: str) -> None:
    table, other, server = here.name("BJ"), here.name("OTHER"), here.there.dialect.name
    who = f"'{name}'@'%'" if server == "mysql" else name
    password = "IDENTIFIED BY" if server == "mysql" else "PASSWORD"
    said = {
        "create": [f"CREATE USER {who} {password} 'reader'", *(f"GRANT SELECT ON {one} TO {who}" for one in (table, other))],
        "revoke": [f"REVOKE SELECT ON {table} FROM {who}"],
        "drop": [*([f"DROP OWNED BY {who}"] if server == "postgresql" else []), f"DROP USER {who}"],
    }
    for statement in said[what]:
        run(here.there, statement)


def test_a_right_that_is_taken_away_is_said_with_its_table(reader: tuple[County, str]) -> None:
    here, name = reader
    here.write(("A", "v", ago(minutes=9)))
    assert here.read().state is RunState.DONE
    before = here.cursor
    _as_user(here, name, "revoke")
    here.write(("B", "v", ago(minutes=1)))
    failed: Run = here.read()
    assert (failed.state, failed.read, here.cursor) == (RunState.FAILED, 0, before)
    assert failed.code in ("HUB-S-304", "HUB-S-303") and "BJ" in str(failed.reason)
