"""Documents inside documents are read in place of their text; what cannot be read is named, never quoted."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import pytest
from lxml import etree

from adapters.kit import xmlopened
from adapters.kit.xmlnode import Opened
from adapters.kit.xmlread import HasDtd, NoXml

INNER = '<?xml version="1.0" encoding="GBK"?><t><x>王堃</x></t>'


def find(root: etree._Element, path: str) -> Any:
    return root.xpath(path)


def read(xml: str, *places: dict[str, Any]) -> etree._Element:
    root = etree.fromstring(xml)
    xmlopened.opened(root, [Opened.model_validate(place) for place in places], find)
    return root


def packed(content: bytes) -> str:
    return f"<a><b>{base64.encodebytes(content).decode()}</b></a>"  # in lines, as MIME writes it


@pytest.mark.parametrize(
    ("xml", "place"),
    [
        (f"<a><b><![CDATA[{INNER}]]></b></a>", {}),
        (f"<a><b>\n{INNER.replace('<', '&lt;')}</b></a>", {}),
        (f"<a><b>{INNER.replace('<', '&amp;lt;')}</b></a>", {"decode": ["unescape"]}),
        (packed(INNER.encode("gbk")), {"decode": ["base64"]}),
        (packed(gzip.compress(INNER.encode("gbk"), mtime=0)), {"decode": ["base64", "gzip"]}),
        (packed(INNER.encode("gbk")), {"decode": ["base64", "gzip"]}),
        (packed(INNER.replace("GBK", "UTF-8").encode("gbk")), {"decode": ["base64"], "charset": "gbk"}),
    ],
)
def test_paths_go_on_into_the_document(xml: str, place: dict[str, Any]) -> None:
    assert read(xml, {"at": "/a/b", **place}).xpath("/a/b/t/x/text()") == ["王堃"]


def test_outer_ones_first_and_several_at_once() -> None:
    outer = "<o>" + "&lt;m&gt;&amp;lt;i n='{}'/&amp;gt;&lt;/m&gt;</o><o>".join(["", "", ""]).removesuffix("<o>")
    root = read(f"<a>{outer.format(1, 2)}<o/></a>", {"at": "/a/o"}, {"at": "/a/o/m"})
    assert root.xpath("/a/o/m/i/@n") == ["1", "2"]


@pytest.mark.parametrize("xml", ["<a><b/></a>", "<a><b>  </b></a>", "<a><b><t><x>1</x></t></b></a>", "<a/>"])
def test_what_is_no_text_stays_as_it_is(xml: str) -> None:
    assert etree.tostring(read(xml, {"at": "/a/b"})).decode() == xml


@pytest.mark.parametrize(
    ("text", "decode", "says"),
    [
        ("not < xml".replace("<", "&lt;"), [], "the document in b is no readable XML at line 1, column 1"),
        ("&lt;t&gt;", [], "the document in b is no readable XML"),
        ("%%%", ["base64"], "the document in b is no base64"),
        (base64.b64encode(b"\x1f\x8bxx").decode(), ["base64", "gzip"], "is no readable gzip"),
        (base64.b64encode(gzip.compress(b"<t/>" * 99, mtime=0)[:-9]).decode(), ["base64", "gzip"], "is cut short"),
        (base64.b64encode(b"<t>\xff</t>").decode(), ["base64"], "is not utf-8 at byte 3"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, decode: list[str], says: str) -> None:
    with pytest.raises(NoXml, match=says):
        read(f"<a><b>{text}</b></a>", {"at": "/a/b", "decode": decode})


def test_no_dtd_inside_either() -> None:
    with pytest.raises(HasDtd, match="the document in b brings a DTD"):
        read("<a><b>&lt;!DOCTYPE t&gt;&lt;t/&gt;</b></a>", {"at": "/a/b"})


@pytest.mark.parametrize("copies", [1, 2, 9])
def test_what_one_answer_unfolds_to_is_bounded_in_all(copies: int) -> None:
    """Nothing but elements is the worst: each takes four bytes here and more than a hundred in memory."""
    share = xmlopened.LARGEST // copies
    document = gzip.compress(b"<t>" + b"<a/>" * (share // 4) + b"</t>", compresslevel=9, mtime=0)
    text = base64.b64encode(document).decode()
    place = {"at": "/a/b", "decode": ["base64", "gzip"]}
    assert xmlopened.LARGEST <= 8 << 20
    with pytest.raises(NoXml, match="too large unfolded"):
        read(f"<a>{f'<b>{text}</b>' * copies}</a>", place)


def test_up_to_the_bound_all_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = b"<t>" + b"<a/>" * 50 + b"</t>"
    text = base64.b64encode(gzip.compress(plain, mtime=0)).decode()
    xml = f"<a><b>{text}</b><b>{text}</b></a>"
    place = {"at": "/a/b", "decode": ["base64", "gzip"]}
    monkeypatch.setattr(xmlopened, "LARGEST", 2 * len(plain))
    assert len(read(xml, place).xpath("/a/b/t/a")) == 100
    monkeypatch.setattr(xmlopened, "LARGEST", 2 * len(plain) - 1)
    with pytest.raises(NoXml, match="the document in b is too large unfolded"):
        read(xml, place)


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ({"at": "/a["}, "not an XPath"),
        ({"at": "/a", "decode": ["gzip"]}, "gzip comes after base64"),
        ({"at": "/a", "charset": "gbk"}, "needs base64"),
    ],
)
def test_places_that_cannot_be_meant(place: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Opened.model_validate(place)
