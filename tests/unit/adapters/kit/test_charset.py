"""Bytes of the target's character set, or a clear no."""

from __future__ import annotations

import pytest

from adapters.kit.charset import checked, encode, known
from hub.errors import Rejected


def test_what_fits_is_encoded() -> None:
    assert encode("镕喆", "gbk") == "镕喆".encode("gbk")


def test_a_character_that_does_not_fit_names_itself_and_its_field_but_no_name() -> None:
    body = {"number": "1", "people": [{"name": "王某"}, {"name": "李䶮"}]}
    with pytest.raises(Rejected) as caught:
        encode('{"name":"李䶮"}', "gbk", body)
    assert caught.value.code == "HUB-D-130"
    assert "U+4DAE" in caught.value.message
    assert "people.1.name" in caught.value.message
    assert "李" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "charset"),
    [("喆堃·〇", "gbk"), ("漳县", "gb2312"), ("䶮𬎆·", "gb18030"), ("䶮𬎆·", "utf-8"), ("a\tb\nc\rd", "gbk"), ("", "gbk")],
)
def test_what_may_go_out(text: str, charset: str) -> None:
    assert checked(text, "name", charset) == text


@pytest.mark.parametrize(
    ("text", "charset", "point"),
    [
        ("王喆", "gb2312", "U+5586"),
        ("王·", "gb2312", "U+00B7"),
        ("䶮", "gbk", "U+4DAE"),
        ("𬎆", "gbk", "U+2C386"),
        ("€", "gbk", "U+20AC"),
    ],
)
def test_what_a_charset_lacks(text: str, charset: str, point: str) -> None:
    with pytest.raises(Rejected) as caught:
        checked(text, "name", charset)
    assert caught.value.code == "HUB-D-130"
    assert point in caught.value.message
    assert "name" in caught.value.message
    assert charset in caught.value.message


@pytest.mark.parametrize("letter", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff", "\ud800", "\udfff"])
def test_what_xml_forbids(letter: str) -> None:
    with pytest.raises(Rejected) as caught:
        checked(f"a{letter}b", "note", "utf-8")
    assert (caught.value.code, f"U+{ord(letter):04X}" in caught.value.message) == ("HUB-D-131", True)


@pytest.mark.parametrize("name", ["undefined", "punycode", "idna", "unicode_escape", "rot13", "base64", "gkb"])
def test_a_codec_that_is_no_charset_is_a_configuration_error(name: str) -> None:
    with pytest.raises(ValueError, match="no character set"):
        known(name)


def test_a_charset_nobody_knows_is_a_configuration_error() -> None:
    assert known("GBK") == "GBK"
    with pytest.raises(ValueError, match="no character set named 'gkb'"):
        known("gkb")
