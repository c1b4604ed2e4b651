"""JSON trees as XML elements."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from adapters.kit.xmltext import elements
from hub.errors import Rejected


@pytest.mark.parametrize(
    ("tree", "xml"),
    [
        ({"a": "x", "b": 1, "c": True, "d": None}, "<a>x</a><b>1</b><c>true</c><d></d>"),
        ({"r": [{"n": 1}, {"n": 2}]}, "<r><n>1</n></r><r><n>2</n></r>"),
        ({"row": {"@no": '7"', "@k": "<", "v": "x"}}, '<row no=\'7"\' k="&lt;"><v>x</v></row>'),
        ({"办件": "<a>&]]>"}, "<办件>&lt;a&gt;&amp;]]&gt;</办件>"),
        ("plain & simple", "plain &amp; simple"),
    ],
)
def test_elements(tree: Any, xml: str) -> None:
    assert elements(tree) == xml
    etree.fromstring(f"<x>{xml}</x>")


@pytest.mark.parametrize(
    ("tree", "code", "field"),
    [({"a": {"b": "x\x00"}}, "HUB-D-131", "a.b"), ({"a": {"@b": "\x1f"}}, "HUB-D-131", "a.@b"), ({"1 a": "x"}, "HUB-D-132", "1 a")],
)
def test_what_xml_cannot_hold_is_refused(tree: Any, code: str, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        elements(tree)
    assert (caught.value.code, field in caught.value.message) == (code, True)
