from __future__ import annotations

import pytest

from hub.sandbox.twins.xml import Unreadable, root_of

DTD = b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'


def test_a_document_is_read_in_the_encoding_that_is_given_or_declared() -> None:
    declared = '<?xml version="1.0" encoding="GBK"?><a>张喆</a>'
    assert root_of(declared.encode()).text == root_of(declared.encode("gbk"), encoding=None).text == "张喆"


@pytest.mark.parametrize(("content", "said"), [(b"", "报文无法解析"), (b"<a>", "报文无法解析"), (DTD, "报文不得包含 DTD")])
def test_what_is_no_xml_or_brings_a_dtd_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        root_of(content)
