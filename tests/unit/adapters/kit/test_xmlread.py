"""Documents of the far side: whose bytes are read how, what becomes data, and what is never taken."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from adapters.kit.xmlread import HasDtd, NoXml, document_text, nested, safe_root

NAMES = "喆堃䶮𬎆·—漳县"


def data(text: str, *lists: str) -> Any:
    return nested(safe_root(text), frozenset(lists))


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("GB2312", "gb18030"),
        ("GBK", "gb18030"),
        ("gb18030", "gb18030"),
        ("UTF-8", "utf-8"),
        ("UTF-8", "utf-8-sig"),
        ("UTF-16", "utf-16"),
        ("GB2312", "utf-8"),  # written with the machine's default, another one declared
        ("GBK", "utf-8-sig"),
    ],
)
def test_what_a_document_says_of_itself(declared: str, written: str) -> None:
    content = f'<?xml version="1.0" encoding="{declared}"?><a>{NAMES}</a>'.encode(written)
    assert document_text(content).endswith(f"<a>{NAMES}</a>")


def test_a_document_that_says_nothing_is_utf8() -> None:
    assert document_text(f"<a>{NAMES}</a>".encode()) == f"<a>{NAMES}</a>"


def test_a_pair_of_bytes_that_may_be_either_is_what_was_declared() -> None:
    assert "路".encode("gbk") == "·".encode()
    assert "路" in document_text('<?xml version="1.0" encoding="GBK"?><a>路</a>'.encode("gbk"))


@pytest.mark.parametrize(
    ("content", "encodings", "words"),
    [
        ('<?xml version="1.0" encoding="UTF-8"?><a>喆</a>'.encode("gbk"), (), "is not UTF-8 at byte 41"),
        ("<a>喆</a>".encode("gbk"), (), "is not utf-8 at byte 3"),
        (b'<?xml version="1.0" encoding="x-none"?><a/>', (), "a character set nobody knows"),
        ("<a>漳".encode()[:-1], ("utf-8",), "is not utf-8 at byte 3"),
        (b"<a>\xff</a>", ("utf-8", "gbk"), "is not gbk at byte 3"),
    ],
)
def test_bytes_that_are_not_what_they_should_be(content: bytes, encodings: tuple[str, ...], words: str) -> None:
    with pytest.raises(NoXml, match=words):
        document_text(content, encodings)


@pytest.mark.parametrize("name", ["undefined", "punycode", "idna", "unicode_escape", "rot13", "base64"])
def test_codecs_that_are_no_character_set(name: str) -> None:
    """Python has some that refuse everything, neither as bytes that do not fit nor as a name it does not know."""
    with pytest.raises(NoXml, match="declares a character set nobody knows"):
        document_text(f"<?xml version='1.0' encoding='{name}'?><a/>".encode())
    with pytest.raises(NoXml, match="declares a character set nobody knows"):
        document_text(b"<a/>", (), name)


@pytest.mark.parametrize(
    ("content", "header", "text"),
    [
        ("<a>喆</a>".encode(), None, "<a>喆</a>"),
        ("<a>喆</a>".encode("gbk"), "gbk", "<a>喆</a>"),
        ("<a>喆䶮𬎆</a>".encode("gb18030"), "GB2312", "<a>喆䶮𬎆</a>"),
        ("<a>喆</a>".encode(), "GBK", "<a>喆</a>"),
        ('<?xml version="1.0" encoding="GB2312"?><a>堃·</a>'.encode("gbk"), "utf-8", "堃·"),
        ("<a>喆</a>".encode("utf-8-sig"), "gbk", "<a>喆</a>"),
        ("<a>喆</a>".encode("utf-16"), "gbk", "<a>喆</a>"),
    ],
)
def test_what_a_document_says_goes_before_what_it_came_with(content: bytes, header: str | None, text: str) -> None:
    found = document_text(content, (), header)
    assert text in found
    assert not found.startswith("\ufeff")


def test_a_sender_that_always_declares_the_wrong_one() -> None:
    content = f'<?xml version="1.0" encoding="UTF-8"?><a>{NAMES}</a>'.encode("gb18030")
    assert NAMES in document_text(content, ("gbk",))


@pytest.mark.parametrize("written", ["utf-8", "gb18030"])
def test_a_sender_that_writes_both(written: str) -> None:
    content = f'<?xml version="1.0" encoding="UTF-8"?><a>{NAMES}</a>'.encode(written)
    assert NAMES in document_text(content, ("utf-8", "gbk"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<Case/>", ""),
        ("<Case></Case>", ""),
        ("<Case><Extend/><Sms></Sms></Case>", {"Extend": "", "Sms": ""}),
        ('<Case unid="U1"><SN>1</SN></Case>', {"@unid": "U1", "SN": "1"}),
        ('<Case><SN type="a">1</SN><PWD type="b"/></Case>', {"SN": {"@type": "a", "#text": "1"}, "PWD": {"@type": "b"}}),
        ("<A><B>1</B><B>2</B><C>3</C></A>", {"B": ["1", "2"], "C": "3"}),
        ("<A><Attr><N>1</N></Attr></A>", {"Attr": [{"N": "1"}]}),
        ("<A><Attr/></A>", {"Attr": [""]}),
        ('<p:A xmlns:p="urn:p" xmlns="urn:d"><B>1</B></p:A>', {"B": "1"}),
        ("<A>\n  <B>\n 1 </B>\n</A>", {"B": "\n 1 "}),
        ("<A><B><![CDATA[a]]]]><![CDATA[>b]]></B></A>", {"B": "a]]>b"}),
        ("<A><B>a]]&gt;b&#20026;</B></A>", {"B": "a]]>b为"}),
        ("<A><B>1<!-- x -->2<?p q?>3</B></A>", {"B": "123"}),
        ("\r\n <?xml version='1.0' encoding='GBK'?><A>喆</A>", "喆"),
    ],
)
def test_elements_become_data(text: str, expected: object) -> None:
    assert data(text, "Attr") == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no readable XML at line 1"),
        ("plain", "no readable XML at line 1, column 1"),
        ("<A><B>1</A>", "no readable XML at line 1, column"),
        ("<A>\n<B>1", "no readable XML at line 2"),
        ("<A>1</A><A>2</A>", "no readable XML"),
        ("<A>\ud842</A>", "half a character"),
        ("<A>&harm;</A>", "no readable XML"),
        ("<A>" * 100_000, "no readable XML"),
    ],
)
def test_what_is_no_xml(text: str, words: str) -> None:
    with pytest.raises(NoXml, match=words):
        safe_root(text)


@pytest.mark.parametrize("text", ["<A>said <b>loudly</b></A>", "<A><b>loudly</b> said</A>"])
def test_text_between_elements_would_be_lost(text: str) -> None:
    with pytest.raises(NoXml, match="text between the elements of A"):
        data(text)


@pytest.mark.parametrize("attributes", ['type="1" x:type="2"', 'x:type="2" type="1"', 'x:type="1" y:type="1"'])
def test_one_of_two_attributes_of_one_local_name_would_be_lost(attributes: str) -> None:
    with pytest.raises(NoXml, match="two attributes of B"):
        data(f'<A xmlns:x="urn:x" xmlns:y="urn:y"><B {attributes}>1</B></A>')


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE a><a/>",
        '<!-- x --><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<!--> x --><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',  # a comment that begins with what ends others
    ],
)
def test_a_dtd_is_never_read(text: str) -> None:
    with pytest.raises(HasDtd, match="brings a DTD"):
        safe_root(text)


words = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=8)
trees: st.SearchStrategy[Any] = st.recursive(
    words.filter(str.strip),
    lambda inner: st.dictionaries(st.sampled_from("ABC"), st.one_of(inner, st.lists(inner, min_size=2, max_size=3)), min_size=1),
    max_leaves=12,
)


def grown(name: str, value: Any) -> etree._Element:
    element = etree.Element(name)
    if isinstance(value, str):
        element.text = value
        return element
    for child, inner in value.items():
        element.extend([grown(child, one) for one in (inner if isinstance(inner, list) else [inner])])
    return element


@given(trees)
def test_data_survives_being_written_and_read(tree: Any) -> None:
    assert data(str(etree.tostring(grown("R", tree), encoding="unicode"))) == tree
