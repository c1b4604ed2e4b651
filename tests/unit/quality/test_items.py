"""C06 and 权力同源: an item is known, in force and valid at the hall, published, and the two lists are compared."""

from __future__ import annotations

from typing import Any

import pytest

from hub.quality import compare
from hub.quality.facts import Items
from tests.unit.quality.building import bench, case, fact, found, item, part


def judged(hall: Any = None, published: Any = None, **main: Any) -> set[str]:
    given = {"item": "S1", "accepted": "2025-06-02 09:00:00", **main}
    return found(
        case(fact("step", name="审核", started="2025-06-02 10:00:00"), **given), bench(hall=hall, published=published), "C06"
    )


@pytest.mark.parametrize(
    ("hall", "main", "lines"),
    [
        (None, {}, set()),  # nothing is known of items: nothing is said
        ([item()], {}, set()),
        ([item("S2")], {}, {"C06/no-item"}),
        ([item()], {"item": None}, {"C06/no-item"}),
        ([item(state="T")], {}, {"C06/not-in-force"}),
        ([item(state="X", version="1"), item(version="2")], {"version": "2"}, set()),
        ([item(version="1")], {"version": "2"}, {"C06/not-valid"}),
        ([item(version="2")], {"version": "1"}, set()),  # the item was changed since, and kept its row
        ([item(version="10")], {"version": "9"}, set()),
        ([item(version="9")], {"version": "10"}, {"C06/not-valid"}),
        ([item(version="9")], {"version": "1" * 5000}, {"C06/not-valid"}),
        ([item(version="1" * 5000)], {"version": "9"}, set()),
        ([item(version="1"), item(version="2")], {"version": "2"}, set()),
        ([item(valid_from="2025-06-03")], {}, {"C06/not-valid"}),
        ([item(valid_to="2025-06-01")], {}, {"C06/not-valid"}),
        ([item(valid_from="2025-06-02", valid_to="2025-06-02")], {}, set()),
        # the version of then is closed by now, and was valid then
        ([item(version="1", valid_to="2025-06-30"), item(version="2", valid_from="2025-07-01")], {"version": "1"}, set()),
    ],
)
def test_c06_at_the_hall(hall: Any, main: dict[str, Any], lines: set[str]) -> None:
    assert judged(hall, **main) == lines


@pytest.mark.parametrize(
    ("published", "lines"),
    [
        (None, set()),
        ([item("S1", "published")], set()),
        ([item("S2", "published")], {"C06/unpublished"}),
        ([item("S1", "published", state="3")], {"C06/unpublished"}),
    ],
)
def test_c06_published(published: Any, lines: set[str]) -> None:
    assert judged([item()], published) == lines


def test_c06_needs_the_item_of_the_case() -> None:
    made = case(fact("case", part("case", "item"), accepted="2025-06-02 09:00:00"))
    assert found(made, bench(hall=[item()], published=[item("S1", "published")]), "C06") == set()


def test_the_lists_are_compared_by_codes_in_force() -> None:
    hall = {code: [item(code, state=state)] for code, state in (("S1", "A"), ("S2", "A"), ("S3", "T"), ("S4", "A"))}
    published = {
        code: [item(code, "published", state=state)] for code, state in (("S1", "1"), ("S3", "1"), ("S4", "3"), ("S5", "1"))
    }
    same = compare(Items(hall, published))
    assert same is not None
    assert [one.code for one in same.unpublished] == ["S2", "S4"]  # S4 is published, but not in force
    assert [one.code for one in same.missing] == ["S3", "S5"]  # S3 is at the hall, but not in force
    assert same.both == 1
    assert (same.unpublished[0].name, same.unpublished[0].department, same.unpublished[0].state) == ("某事项", "某局", "A")


@pytest.mark.parametrize("lists", [Items(None, {}), Items({}, None), Items()])
def test_one_list_alone_cannot_be_compared(lists: Items) -> None:
    assert compare(lists) is None
