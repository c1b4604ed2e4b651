"""Names in braces inside an address."""

from __future__ import annotations

import pytest

from adapters.kit.templates import Compiler, Scope
from adapters.rest.paths import names_in, path_maker
from hub.errors import Rejected


def filled(path: str, **values: str) -> str:
    return path_maker(path, Compiler(values or ["a"]))(Scope(values=values))


def test_filling() -> None:
    assert filled("/fixed") == "/fixed"
    assert filled("/x/{a}/y/{b}", a="1", b="2") == "/x/1/y/2"
    assert names_in("/x/{a}/{body.no}") == ["a", "body.no"]


@pytest.mark.parametrize(
    ("value", "quoted"), [("a/b", "a%2Fb"), ("../..", "..%2F.."), ("a?b#c", "a%3Fb%23c"), ("漳", "%E6%BC%B3"), ("%2F", "%252F")]
)
def test_values_never_lead_elsewhere(value: str, quoted: str) -> None:
    assert filled("/x/{a}", a=value) == f"/x/{quoted}"


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_values_that_are_refused(value: str) -> None:
    with pytest.raises(Rejected):
        filled("/x/{a}", a=value)


def test_nothing_there_is_refused() -> None:
    with pytest.raises(Rejected):
        filled("/x/{a}")
