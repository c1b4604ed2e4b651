"""How many objects were ever read: the same however often, and in whatever steps, it is counted on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hub.engine import maintain
from hub.store import objects, schema
from tests import fakes
from tests.exchanges import START, Site, case, site, step


@pytest.fixture
def here(store_url: str, tmp_path: Path) -> Iterator[Site]:
    fakes.forget()
    with site(tmp_path, store_url) as made:
        yield made


def read(here: Site) -> dict[tuple[str, str], int]:
    with here.store.reading() as connection:
        return dict(objects.read(connection))


def count_on(here: Site, most: int) -> None:
    with here.store.writing() as connection:
        objects.keep(connection, objects.count_on(connection, most), START)


def test_versions_of_one_object_count_once_whenever_they_come(here: Site) -> None:
    assert read(here) == {}
    here.sync(case("A"), case("B"), step("A-1", "A"))
    assert read(here) == {("local", "case"): 2, ("local", "step"): 1}
    maintain.maintain(here.exchange)
    here.sync(case("A", "2"), case("C"))
    assert read(here) == {("local", "case"): 3, ("local", "step"): 1}
    maintain.maintain(here.exchange)
    maintain.maintain(here.exchange)
    assert read(here) == {("local", "case"): 3, ("local", "step"): 1}


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_same_in_whatever_steps_it_is_counted(here: Site, seed: int) -> None:
    dice = random.Random(seed)
    row = {"revision": "1", "deleted": False, "run_id": 1, "seen_at": 1, "data": b"{}"}
    number, seen = 0, set[tuple[str, str, str]]()
    for _ in range(6):
        names = [(dice.choice("ab"), dice.choice(["case", "step"]), f"K{dice.randrange(20)}") for _ in range(dice.randrange(1, 30))]
        rows = [
            {**row, "id": number + one, "source": name[0], "kind": name[1], "key": name[2]} for one, name in enumerate(names, 1)
        ]
        with here.store.writing() as connection:
            connection.execute(sa.insert(schema.record), rows)
        number += len(rows) + dice.randrange(3)  # numbers may be missing
        seen.update(names)
        count_on(here, dice.randrange(1, 25))
        assert read(here) == {kind: sum(one[:2] == kind for one in seen) for kind in {one[:2] for one in seen}}


def test_of_two_that_count_on_at_once_one_is_written_down(here: Site) -> None:
    here.sync(case("A"))
    count_on(here, 10)
    here.sync(case("B"), case("C"))
    with here.store.reading() as connection:
        slow, quick = objects.count_on(connection, 1), objects.count_on(connection, 2)
    with here.store.writing() as connection:
        objects.keep(connection, quick, START)
        objects.keep(connection, slow, START)
        assert not objects.count_on(connection).news
    assert read(here) == {("local", "case"): 3}
