"""Signature recipes, each beside the same digest computed independently with hashlib."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.kit.sign import Signature, Stamp, canonical, digested, put_at, same, signature
from hub.errors import Rejected

PAIRS = [("b", "2"), ("a", "中"), ("c", "")]


def recipe(**given: Any) -> Signature:
    return Signature.model_validate({"fields": ["a"], "digest": "sha256", "into": {"header": "sign"}, **given})


def test_sm3_known_answers() -> None:
    """The two examples of GB/T 32905, appendix A."""
    assert digested("sm3", b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert digested("sm3", b"abcd" * 16).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_hmac_known_answer() -> None:
    """RFC 4231, test case 2."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert digested("hmac-sha256", b"what do ya want for nothing?", b"Jefe").hex() == expected


@pytest.mark.parametrize("name", ["md5", "sha1", "sha256", "sm3"])
def test_digests_agree_with_hashlib(name: str) -> None:
    if name not in hashlib.algorithms_available:
        pytest.skip(f"this Python's OpenSSL has no {name}")
    assert digested(name, b"x" * 1000) == hashlib.new(name, b"x" * 1000).digest()
    keyed = hmac.new(b"key", b"text", lambda data=b"": hashlib.new(name, data))
    assert digested(f"hmac-{name}", b"text", b"key") == keyed.digest()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "b=2&a=中&c="),
        ({"order": "sorted"}, "a=中&b=2&c="),
        ({"skip_empty": True}, "b=2&a=中"),
        ({"pairs": "values", "joiner": ""}, "2中"),
        ({"pairs": "namevalue", "joiner": "\n"}, "b2\na中\nc"),
    ],
)
def test_the_text_that_is_signed(given: dict[str, Any], text: str) -> None:
    assert canonical(recipe(**given), PAIRS) == text


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, hashlib.sha256("b=2&a=中&c=".encode()).hexdigest()),
        ({"charset": "gbk", "digest": "md5"}, hashlib.md5("b=2&a=中&c=".encode("gbk"), usedforsecurity=False).hexdigest()),
        ({"secret": "S", "secret_at": "suffix", "case": "upper"}, hashlib.sha256("b=2&a=中&c=S".encode()).hexdigest().upper()),
        ({"secret": "S", "secret_at": "prefix"}, hashlib.sha256("Sb=2&a=中&c=".encode()).hexdigest()),
        (
            {"secret": "S", "secret_at": "hmac", "digest": "hmac-sha256", "output": "base64", "order": "sorted"},
            base64.b64encode(hmac.digest(b"S", "a=中&b=2&c=".encode(), "sha256")).decode(),
        ),
    ],
)
def test_signatures(given: dict[str, Any], expected: str) -> None:
    assert same(signature(recipe(**given), PAIRS), expected)


def test_a_character_the_recipes_charset_lacks_is_refused() -> None:
    with pytest.raises(Rejected, match="U\\+4DAE in a"):
        signature(recipe(charset="gbk"), [("a", "䶮")])


def test_stamps() -> None:
    stamp = Stamp(datetime(2016, 12, 12, 16, 2, 3, 456_789, tzinfo=UTC))
    assert stamp.text("ms") == "1481558523456"
    assert stamp.text("s") == "1481558523"
    assert stamp.text("%Y%m%d%H%M%S") == "20161213000203"
    assert stamp.nonce != Stamp(stamp.moment).nonce


def test_a_place_in_the_body() -> None:
    assert put_at({"head": {"a": 1}, "data": 2}, "/head/sign", "S") == {"head": {"a": 1, "sign": "S"}, "data": 2}
    assert put_at({}, "sign", "S") == {"sign": "S"}
    with pytest.raises(Rejected):
        put_at([1], "/sign", "S")


@pytest.mark.parametrize(
    "given",
    [
        {"fields": []},
        {"digest": "crc32"},
        {"digest": "hmac-sm3"},
        {"secret_at": "hmac", "secret": "S"},
        {"secret_at": "suffix"},
        {"into": {}},
        {"into": {"header": "a", "query": "b"}},
        {"fields": [{"a": "1", "b": "2"}]},
    ],
)
def test_recipes_that_cannot_be_meant(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        recipe(**given)


def test_the_secret_shows_nowhere() -> None:
    text = recipe(secret="hush-hush", secret_at="suffix")
    assert "hush-hush" not in f"{text!r} {text}"
