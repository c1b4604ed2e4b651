"""Conditions: every test, groups, how values are compared, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.mapping import condition

DATA = {"SXLX": "2", "N": 2, "T": True, "E": "", "Z": None, "A": {"B": {"C": "x"}}, "L": [1]}


@pytest.mark.parametrize(
    ("spec", "holds"),
    [
        ({"path": "SXLX", "equals": "2"}, True),
        ({"path": "SXLX", "equals": 2}, True),
        ({"path": "N", "equals": "2"}, True),
        ({"path": "T", "equals": True}, True),
        ({"path": "T", "equals": "true"}, True),
        ({"path": "N", "equals": "02"}, False),
        ({"path": "Z", "equals": None}, True),
        ({"path": "E", "equals": ""}, True),
        ({"path": "missing", "equals": ""}, False),
        ({"path": "L", "equals": "[1]"}, False),
        ({"path": "SXLX", "in": ["1", "2"]}, True),
        ({"path": "N", "in": [1]}, False),
        ({"path": "missing", "in": [None]}, False),
        ({"path": "A.B.C", "equals": "x"}, True),
        ({"path": "A.B.C.D", "present": True}, False),
        ({"path": "SXLX", "matches": "^[12]$"}, True),
        ({"path": "A.B.C", "matches": "y"}, False),
        ({"path": "L", "matches": ""}, True),
        ({"path": "SXLX", "starts": "2"}, True),
        ({"path": "missing", "starts": "2"}, False),
        ({"path": "E", "present": True}, False),
        ({"path": "Z", "present": False}, True),
        ({"path": "N", "present": True}, True),
        ({"all": [{"path": "N", "equals": 2}, {"path": "SXLX", "equals": "2"}]}, True),
        ({"all": []}, True),
        ({"any": [{"path": "N", "equals": 3}, {"path": "SXLX", "equals": "2"}]}, True),
        ({"any": []}, False),
        ({"not": {"path": "N", "equals": 2}}, False),
        ([{"path": "N", "equals": 2}, {"path": "SXLX", "equals": "1"}], False),
        ({"not": [{"path": "N", "equals": 2}, {"path": "SXLX", "equals": "1"}]}, True),
        ({"any": [{"not": {"path": "N", "present": True}}, {"all": [{"path": "T", "equals": True}]}]}, True),
    ],
)
def test_holds(spec: Any, holds: bool) -> None:
    assert condition(spec)(DATA) is holds


@pytest.mark.parametrize(
    "spec",
    [
        {"path": "N"},
        {"equals": 1},
        {"path": "N", "equals": 1, "in": [1]},
        {"path": "N", "all": []},
        {"path": "N", "matches": "("},
        {"path": "N", "equal": 1},
        {"path": "a..b", "equals": 1},
        {"path": "a[0]", "equals": 1},
        {"path": "$operation", "equals": "D"},
        "N",
        5,
    ],
)
def test_refused(spec: Any) -> None:
    with pytest.raises(ValueError):
        condition(spec)


@given(
    st.dictionaries(
        st.sampled_from(["N", "A"]), st.none() | st.integers() | st.floats() | st.text() | st.lists(st.text()) | st.binary()
    )
)
def test_no_data_makes_a_condition_raise(data: dict[str, Any]) -> None:
    for test in ({"equals": "1"}, {"in": ["1"]}, {"matches": "1"}, {"starts": "1"}, {"present": True}):
        assert condition({"path": "N", **test})(data) in (True, False)
        assert condition({"path": "A.B", **test})(data) in (True, False)


def test_text_in_a_condition_is_never_code() -> None:
    assert condition({"path": "a') or print('x", "equals": "') or print('y"})({}) is False
