"""Decides whether the database is as the configuration says: reachable, every table and column there, every right granted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from adapters.database.connection import Connections
from adapters.database.failures import OF_THE_ROW, Missing, Trouble, failure, missing, trouble
from adapters.database.options import Confirm, DatabaseOptions, Endpoint, Feed, column_of
from adapters.database.spreading import Spoken, spread
from adapters.database.tables import Shape, Tables
from hub.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Need:
    """A table (or query) that is used, the columns used of it, and what is done to it."""

    tables: tuple[str, ...]
    columns: tuple[str | None, ...]
    rights: frozenset[str] = field(default=frozenset())
    query: bool = False


def check(options: DatabaseOptions, connections: Connections) -> None:
    """Log in and compare; changes nothing. Raises Retryable when nobody answers, Misconfigured listing everything that is wrong."""
    wrong: list[str] = []
    try:
        with connections.reading() as connection:
            connection.execute(sa.select(sa.literal(1)))
        tables = Tables(connections, options.schema_)
        for need in _needs(options):
            wrong += _wrong(need, tables, connections)
    except Missing as error:
        raise missing(error) from error
    except sa.exc.DBAPIError as error:
        raise failure(error, "checking") from error
    if wrong:
        raise Misconfigured("HUB-D-303", "; ".join(dict.fromkeys(wrong)))


def _wrong(need: Need, tables: Tables, connections: Connections) -> list[str]:
    try:
        shape = tables.query(need.tables[0]) if need.query else tables.shape(*need.tables)
    except Missing as error:
        return [str(error)]
    except sa.exc.DBAPIError as error:
        if trouble(error) is not Trouble.SCHEMA:
            raise
        return [f"the query {need.tables[0][:60]} cannot be run: a table or a column of it is missing"]
    absent = [name for name in need.columns if name is not None and not shape.has(name)]
    if absent:
        return [f"{shape.title} has no column {name}" for name in absent]
    return [f"no right to {right} {shape.title}" for right in sorted(need.rights) if not _granted(right, shape, need, connections)]


def _granted(right: str, shape: Shape, need: Need, connections: Connections) -> bool:
    """Try the right on no row at all, and roll back."""
    column = next(name for name in need.columns if name is not None)
    with connections.writing() as connection:
        try:
            connection.execute(_harmless(right, shape, column))
        except sa.exc.DBAPIError as error:
            found = trouble(error)
            if found is not Trouble.FORBIDDEN and found not in OF_THE_ROW:  # MariaDB misses a value even for no row
                raise
            return found is not Trouble.FORBIDDEN
        finally:
            connection.rollback()
    return True


def _harmless(right: str, shape: Shape, name: str) -> sa.Executable:
    clause = shape.clause
    assert isinstance(clause, sa.TableClause)
    column = shape.element(name)
    if right == "update":
        return sa.update(clause).values({column: column}).where(sa.false())
    if right == "delete":
        return sa.delete(clause).where(sa.false())
    return sa.insert(clause).from_select([shape.column(name).name], sa.select(column).where(sa.false()))


def _needs(options: DatabaseOptions) -> Iterator[Need]:
    for feed in options.feeds.values():
        yield from _feed(feed)
    for endpoint in options.endpoints.values():
        yield _endpoint(endpoint)
    for spoken in spread(options):
        yield from _feedback(spoken)


def _feed(feed: Feed) -> Iterator[Need]:
    claim, confirm = feed.claim, feed.confirm
    columns = [*feed.key, feed.time, feed.revision, feed.deleted.column if feed.deleted else None, *feed.base64]
    columns += [*feed.match, *feed.documents, *(column_of(place, feed.documents) for place in feed.record_key or ())]
    rights: set[str] = set()
    if claim:
        columns += [claim.status, claim.token, claim.time, claim.error]
        rights = {"update", *(["delete"] if claim.remove else [])}
    if confirm:
        columns += confirm.columns()
        yield _sister(confirm)
    yield Need(feed.table or (str(feed.query),), tuple(columns), frozenset(rights), query=feed.query is not None)
    for children in feed.children.values():
        yield Need((children.table,), (*children.key, *children.order))


def _endpoint(endpoint: Endpoint) -> Need:
    sync = endpoint.sync
    columns = (*endpoint.key, *(endpoint.columns or ()), sync.operation, sync.batch, sync.time, *endpoint.initial)
    written = (*columns, *endpoint.documents, sync.source.column if sync.source else None)
    rights = {"insert", *(["update"] if endpoint.mode == "upsert" else []), *(["delete"] if endpoint.delete == "remove" else [])}
    return Need(endpoint.table, written, frozenset(rights))


def _feedback(spoken: Spoken) -> Iterator[Need]:
    yield Need(spoken.table, tuple(spoken.rule.columns()))
    if spoken.rule.confirm:
        yield _sister(spoken.rule.confirm)


def _sister(confirm: Confirm) -> Need:
    return Need((confirm.table,), (*confirm.by, *confirm.values, *(confirm.failed or {})), frozenset({"insert"}))
