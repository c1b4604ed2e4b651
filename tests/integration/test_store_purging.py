"""Giving dead letters up for good forgets what nobody needs, and nothing that somebody does."""

from __future__ import annotations

import sqlalchemy as sa

from hub.errors import Rejected
from hub.model import State
from hub.store import attempts, purging, schema, views
from hub.store.purging import Purged
from hub.store.scopes import Scope
from tests.exchanges import Site, case

NO = Rejected("HUB-D-115", "refused", said="编号 621125001 不存在")


def purge(here: Site, scope: Scope) -> Purged:
    with here.store.writing() as connection:
        return purging.purge(connection, scope, actor="wang", reason="申请人撤回", now=here.now)


def data(here: Site, key: str) -> list[bytes]:
    table = schema.record
    with here.store.reading() as connection:
        return list(connection.execute(sa.select(table.c.data).where(table.c.key == key).order_by(table.c.id)).scalars())


def test_the_body_goes_and_the_newest_version_of_the_record_stays(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"), case("B"))
    here.drain()
    assert purge(here, Scope(system="city")) == Purged(1, 1, 0)
    one = here.one("A")
    assert (one.state, one.reason) == (State.CANCELLED, "申请人撤回")
    with here.store.reading() as connection:
        contents = views.bodies(connection, one.id)
        assert contents is not None
        assert (contents[0]["SQRMC"], contents[1]) == ("甲某", None)
        assert [tried.code for tried in attempts.read(connection, [one.id])] == ["HUB-D-115"]
    assert here.one("B").state is State.DELIVERED
    assert here.count(schema.body) == 1


def test_a_version_that_has_a_newer_one_is_forgotten_unless_something_is_made_of_it(here: Site) -> None:
    here.side.will("A", NO, NO)
    here.sync(case("A", "1"))
    here.drain()
    here.sync(case("A", "2"))
    here.drain()
    with here.store.writing() as connection:  # the older one still lies dead beside the newer one
        connection.execute(sa.update(schema.delivery).values(state="dead"))
        first = views.deliveries(connection)[-1].id
    assert purge(here, Scope(ids=(first,))) == Purged(1, 1, 1)
    assert [one == b"{}" for one in data(here, "A")] == [True, False]


def test_what_was_taken_once_keeps_its_body_for_whoever_approves_the_next_version(here: Site) -> None:
    here.sync(case("A"))
    here.drain()
    with here.store.writing() as connection:
        refused = {"state": "rejected", "stage": "feedback", "code": "HUB-E-121", "reason": "核验"}
        connection.execute(sa.update(schema.delivery).values(**refused))
    assert purge(here, Scope(system="city")) == Purged(1, 0, 0)
    assert here.count(schema.body) == 1


def test_an_empty_scope_means_none(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    assert purge(here, Scope()) == Purged()
    assert here.one("A").state is State.DEAD
