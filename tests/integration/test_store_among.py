"""Asking for many numbers or keys: one statement however many they are, in both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import ColumnElement, Connection, event, insert, not_, select

from hub.store import Store, open_store, schema
from hub.store.among import among

_TABLE = schema.sequence
NAMES = ["甲", "a'b", 'c"d', "e\\f", "[1]", "{}", "1", "%s", "NULL", ""]


@pytest.fixture
def connection(store_url: str) -> Iterator[Connection]:
    store: Store = open_store(store_url)
    with store.writing() as connection:
        connection.execute(insert(_TABLE), [{"name": name, "next": 2**40 + number} for number, name in enumerate(NAMES)])
        yield connection
        connection.rollback()
    store.close()


def names(connection: Connection, *conditions: ColumnElement[bool]) -> list[str]:
    ours = _TABLE.c.next >= 2**40
    return list(connection.execute(select(_TABLE.c.name).where(ours, *conditions).order_by(_TABLE.c.next)).scalars())


@pytest.mark.parametrize("name", NAMES)
def test_a_text_is_meant_to_the_letter(connection: Connection, name: str) -> None:
    assert names(connection, among(_TABLE.c.name, [name, "not there", name])) == [name]


def test_numbers_and_texts(connection: Connection) -> None:
    assert names(connection, among(_TABLE.c.next, [2**40 + 3, 2**40, 7])) == [NAMES[0], NAMES[3]]
    assert names(connection, among(_TABLE.c.name, NAMES)) == NAMES
    assert names(connection, not_(among(_TABLE.c.name, NAMES[1:]))) == NAMES[:1]


def test_none_of_none(connection: Connection) -> None:
    assert names(connection, among(_TABLE.c.name, [])) == []
    assert names(connection, among(_TABLE.c.next, set())) == []


def test_more_than_a_database_takes_as_placeholders(connection: Connection) -> None:
    assert names(connection, among(_TABLE.c.next, range(2**40 + 1, 2**40 + 300_000))) == NAMES[1:]


def test_it_is_one_statement_however_many(connection: Connection) -> None:
    said: list[str] = []
    event.listen(connection, "before_cursor_execute", lambda _c, _r, statement, *_: said.append(statement))
    for count in (1, 2, 5, 500):
        names(connection, among(_TABLE.c.name, [str(number) for number in range(count)]))
    assert len(said) == 4
    assert len(set(said)) == 1
