"""What a configuration may say, and what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.soap import SoapAdapter
from adapters.soap.options import SoapOptions
from hub.model import Guarantees
from hub.registry import load

CALL = {"body": {"element": "a", "text": "$key"}}
LEAST: dict[str, Any] = {"address": "http://127.0.0.1:9/x", "endpoints": {"e": CALL}}


def made(**options: Any) -> SoapAdapter:
    return SoapAdapter(SoapOptions.model_validate({**LEAST, **options}, context={"base": Path("/etc/hub")}), system="s")


def test_the_registry_knows_it() -> None:
    assert load("soap") is SoapAdapter


def test_the_least_there_is() -> None:
    adapter = made()
    assert adapter.endpoints() == {"e"}
    assert adapter.kinds() == frozenset()
    assert adapter.guarantees() == Guarantees(ordered_batch=True, batch=16, in_flight=4, singly=True)


def test_a_promise_holds_only_if_every_endpoint_makes_it() -> None:
    find = {"body": {"element": "q"}, "answers": [{"path": "a", "means": "taken"}, {"path": "b", "means": "missing"}]}
    sure = {**CALL, "idempotent": True, "find": find}
    assert made(endpoints={"e": sure}).guarantees().idempotent
    assert made(endpoints={"e": sure}).guarantees().findable
    assert not made(endpoints={"e": sure, "f": CALL}).guarantees().idempotent
    assert not made(endpoints={"e": sure, "f": CALL}).guarantees().findable


def test_a_wsdl_is_a_file_beside_the_configuration_or_an_address() -> None:
    call = {"endpoints": {"e": {"operation": "o"}}}
    beside = SoapOptions.model_validate({"wsdl": "wsdl/a.wsdl", **call}, context={"base": Path("/etc/hub")})
    remote = SoapOptions.model_validate({"wsdl": "http://10.1.2.3/a?wsdl", **call}, context={"base": Path("/etc/hub")})
    assert (beside.wsdl, remote.wsdl) == (Path("/etc/hub/wsdl/a.wsdl"), "http://10.1.2.3/a?wsdl")


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"unknown": 1}, "unknown"),
    ({"endpoints": {}}, "say endpoints"),
    ({"endpoints": {"e": {}}}, "say operation: .* or body:"),
    ({"endpoints": {"e": {**CALL, "operation": "o"}}}, "say operation: .* or body:"),
    ({"endpoints": {"e": {**CALL, "parameters": {"a": 1}}}}, "parameters: belong to an operation"),
    ({"endpoints": {"e": {"operation": "o"}}}, "endpoints.e: an operation needs a wsdl"),
    ({"address": None}, "endpoints.e: a body template needs address"),
    ({"address": "ftp://x"}, "address"),
    ({"charset": "gkb"}, "no character set named 'gkb'"),
    ({"endpoints": {"e": {"body": {"element": "a", "text": "$stamps.day"}}}, "stamps": {"date": "%Y"}}, "among stamps: date"),
    ({"header": [{"element": "a", "text": "$secret.pwd"}]}, r"\$secret.pwd is not among secrets: none"),
    ({"answer": {"result": "a["}}, "not an XPath"),
    ({"endpoints": {"e": {**CALL, "find": {"body": {"element": "q"}, "answers": [{"path": "a", "means": "taken"}]}}}}, "missing"),
]


@pytest.mark.parametrize(("options", "words"), REFUSED)
def test_what_pydantic_refuses(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        made(**options)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"endpoints": {"e": {"body": {"element": "a", "text": "$cursor"}}}}, r"endpoints\.e: \$cursor"),
    ({"endpoints": {"e": {"body": {"element": "a", "text": "$token"}}}}, r"endpoints\.e: \$token"),
    ({"endpoints": {"e": {"body": {"element": "a", "text": "$nonce"}}}}, r"endpoints\.e: \$nonce"),
    ({"header": [{"element": "x:h"}]}, "endpoints.e: x:h: the prefix 'x'"),
    ({"token": {"body": {"element": "a", "text": "$body.x"}}}, r"token: \$body"),
    ({"feeds": {"k": {"body": {"element": "a", "text": "$body.x"}, "rows": "r", "key": "k"}}}, r"feeds\.k: \$body"),
    ({"check": {"body": {"element": "a", "text": "$key"}}}, r"check: \$key"),
]


@pytest.mark.parametrize(("options", "words"), WRONG)
def test_what_compiling_refuses_with_its_place(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        made(**options)


def test_secrets_do_not_show() -> None:
    options = SoapOptions.model_validate(
        {
            **LEAST,
            "secrets": {"pwd": "TOPSECRET"},
            "parameters": {"pwd": "TOPSECRET"},
            "basic": {"user": "u", "password": "TOPSECRET"},
        }
    )
    assert "TOPSECRET" not in repr(options)
