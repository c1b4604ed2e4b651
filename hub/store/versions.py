"""Decides which deliveries are versions of one: by object, within a lane, or by record, also where its lane has changed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, FromClause, select

from hub.store.schema import record


def same_object(delivery: FromClause, other: Any) -> list[ColumnElement[bool]]:
    """Return the conditions that two deliveries are versions of one object: owed to one system by one route, in one lane.

    `other`: the table under another name, or a row that was read.
    """
    theirs = other.c if isinstance(other, FromClause) else other
    return [delivery.c[name] == getattr(theirs, name) for name in ("system", "lane", "route", "key")]


def same_record(delivery: FromClause, other: FromClause) -> list[ColumnElement[bool]]:
    """Return the conditions that two deliveries are of versions of one record, owed by one route: also where its lane has changed.

    For a subquery of its own: it looks both records up.
    """
    mine, theirs = record.alias("their_version"), record.alias("this_version")
    same = [mine.c[name] == theirs.c[name] for name in ("source", "kind", "key")]
    # Whose system it is the route says; asked for it, SQLite would go through all deliveries of the system.
    return [mine.c.id == delivery.c.record_id, theirs.c.id == other.c.record_id, *same, delivery.c.route == other.c.route]


def there_is(other: FromClause, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition that there is another delivery like this, said so that it can only be looked up for one at a time.

    Of a plain EXISTS PostgreSQL makes a join, for which it may read all versions of all records there ever were.
    """
    return select(other.c.id).where(*conditions).limit(1).scalar_subquery().is_not(None)
