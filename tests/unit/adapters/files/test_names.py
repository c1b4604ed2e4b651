"""File names: closed placeholders, and values that stay one part of a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.files.names import is_candidate, relative, safe, template


@given(st.text())
def test_a_safe_value_is_one_visible_ascii_part_of_a_path(value: str) -> None:
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        return
    name = safe(value)
    assert name.isascii()
    assert 0 < len(name) <= 100
    assert not set(name) & set('/\\:*?"<>|\0 ')
    assert not name.startswith(".")


@given(st.text(max_size=300), st.text(max_size=300))
def test_different_values_give_different_names(one: str, other: str) -> None:
    assert (safe(one) == safe(other)) == (one == other)


@pytest.mark.parametrize("path", ["/etc", "../x", "a/../../b", "a\\b"])
def test_a_path_stays_below_its_base(path: str) -> None:
    with pytest.raises(ValueError, match="relative"):
        relative(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{id", "braces"),
        ("{id!r}", "nothing else"),
        ("{id:>10}", "nothing else"),
        ("{id}{name}", "unknown placeholder {name}; known: batch, id"),
        ("{id.x}", "unknown placeholder"),
        ("{}{id}", "unknown placeholder"),
        ("{batch}.csv", "{id} must be in the name"),
    ],
)
def test_a_template_is_checked_when_it_is_read(text: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        template(text, {"id", "batch"}, needs={"id"})
    assert says in str(caught.value)


def test_candidates() -> None:
    assert is_candidate("办件.csv")
    assert not any(map(is_candidate, (".办件.csv.0a1b2c3d.part", "办件.csv.PART", "~$办件.xlsx")))
