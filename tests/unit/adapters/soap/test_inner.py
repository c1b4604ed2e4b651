"""XML inside a parameter: its declaration, its encoding, and its digest."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import unquote

import pytest

from adapters.kit.templates import Scope
from adapters.soap.inner import DigestText, InnerText
from adapters.soap.parts import Digest, Inner
from adapters.soap.placeholders import OF_HANDSHAKE
from hub.errors import Rejected

#: Inside, `$item` stands in for whatever a call knows.
XML = {"element": "a", "text": "$item.x"}


def inner(text: str, **settings: Any) -> str:
    compiled = InnerText(Inner.model_validate({"xml": XML, **settings}), {}, OF_HANDSHAKE)
    return compiled.text(Scope(None, {"item": {"x": text}}))


def digest(**settings: Any) -> str:
    return DigestText(Digest.model_validate(settings), OF_HANDSHAKE).text(Scope(None, {"inner": "<a>喆</a>", "stamp": "20161213"}))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, '<?xml version="1.0" encoding="UTF-8"?><a>喆</a>'),
        ({"encoding": "gbk"}, '<?xml version="1.0" encoding="GBK"?><a>喆</a>'),
        ({"encoding": "gbk", "declare": "GB2312"}, '<?xml version="1.0" encoding="GB2312"?><a>喆</a>'),
        ({"declare": False}, "<a>喆</a>"),
        ({"declare": False, "url": "values"}, "<a>%E5%96%86</a>"),
    ],
)
def test_declarations(settings: dict[str, Any], expected: str) -> None:
    assert inner("喆", **settings) == expected


def test_the_whole_can_be_url_encoded() -> None:
    text = inner("喆 +", encoding="gb18030", url="whole")
    assert text.isascii()
    assert unquote(text) == '<?xml version="1.0" encoding="GB18030"?><a>喆 +</a>'


def test_the_declared_encoding_binds_the_values() -> None:
    with pytest.raises(Rejected, match="HUB-D-130 character U\\+5586"):
        inner("喆", encoding="gb2312")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"encoding": "gbk"}, hashlib.md5("<a>喆</a>".encode("gbk"), usedforsecurity=False).hexdigest()),
        ({}, hashlib.md5("<a>喆</a>".encode(), usedforsecurity=False).hexdigest()),
        ({"algorithm": "sha256", "case": "upper"}, hashlib.sha256("<a>喆</a>".encode()).hexdigest().upper()),
        (
            {"of": ["$stamp", "$inner"], "joiner": " "},
            hashlib.md5("20161213 <a>喆</a>".encode(), usedforsecurity=False).hexdigest(),
        ),
        ({"algorithm": "hmac-sha256", "key": "k"}, hmac.new(b"k", "<a>喆</a>".encode(), "sha256").hexdigest()),
        # SM3 of «abc», GB/T 32905 appendix A.1.
        ({"of": ["abc"], "algorithm": "sm3"}, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        ({"of": ["abc"], "output": "base64"}, "kAFQmDzST7DWlj99KOF/cg=="),
    ],
)
def test_digests(settings: dict[str, Any], expected: str) -> None:
    assert digest(**settings) == expected


@pytest.mark.parametrize("settings", [{"algorithm": "hmac-md5"}, {"algorithm": "md5", "key": "k"}])
def test_a_key_belongs_to_an_hmac(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="an hmac digest takes a key"):
        Digest.model_validate(settings)
