"""Each try tells whose bytes it sent: the original ones, or those made anew, when, by which mapping and on whose word."""

from __future__ import annotations

import sqlalchemy as sa

from hub.engine import replay
from hub.errors import Rejected
from hub.model import State
from hub.store import attempts, replays, schema
from hub.store.scopes import Scope
from tests import configs
from tests.exchanges import Site, case

NO = Rejected("HUB-D-115", "refused", said="编号 621125001 不存在")


def retry(here: Site, *, remap: bool, actor: str = "wang") -> None:
    replay.retry(here.exchange, Scope(system="city"), remap=remap, actor=actor, reason="对方已修好")
    here.drain()


def bodies(here: Site, key: str) -> list[str | None]:
    """Return, try by try, who had the body made anew that it sent (None: the original)."""
    with here.store.reading() as connection:
        tried = attempts.read(connection, [here.one(key).id])
    return [one.made.actor if one.made else None for one in tried]


def test_a_try_with_the_same_bytes_says_that_they_are_the_original(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    retry(here, remap=False)
    assert bodies(here, "A") == [None, None]
    with here.store.reading() as connection:
        (again,) = replays.read(connection, [here.one("A").id])
    assert (again.actor, again.reason, again.after, again.mapping) == ("wang", "对方已修好", 1, None)


def test_a_try_with_a_new_body_says_by_which_mapping_when_and_on_whose_word(here: Site) -> None:
    here.side.will("A", NO, NO, NO)
    here.sync(case("A"))
    here.drain()
    retry(here, remap=True)
    here.later(minutes=5)
    renamed = configs.ACCEPT.replace("do: [trim]", "do: [trim, upper]")
    here.reconfigure({"mappings/city/accept.yaml": renamed})
    retry(here, remap=True, actor="li")
    retry(here, remap=False, actor="zhao")
    assert bodies(here, "A") == [None, "wang", "li", "li"]
    with here.store.reading() as connection:
        last = attempts.read(connection, [here.one("A").id])[-1].made
    digest = next(route.mapping.digest[:32] for route in here.exchange.settings.routes if route.name == "city-accept")
    assert last is not None
    assert (last.mapping, last.at) == (digest, here.now)


def test_an_update_that_becomes_an_insert_says_that_the_hub_made_it_one(here: Site) -> None:
    here.sync(case("A"))
    here.side.will("A", NO)
    here.sync(case("A", "2"))
    here.drain()
    assert [message.operation.value for message in here.side.taken] == ["I"]
    assert bodies(here, "A")[-1] == replays.HUB
    assert here.one("A").state is State.DELIVERED


def test_a_body_that_an_older_program_made_anew_is_not_called_the_original(here: Site) -> None:
    here.side.will("A", NO)
    here.sync(case("A"))
    here.drain()
    here.later(minutes=5)
    retry(here, remap=True)
    with here.store.writing() as connection:
        connection.execute(sa.delete(schema.replay))
        tried = attempts.read(connection, [here.one("A").id])
    assert [(one.made.actor, one.made.at) if one.made else None for one in tried] == [None, ("-", here.now)]
