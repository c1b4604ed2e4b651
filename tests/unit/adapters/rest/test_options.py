"""What may be said about a REST far side, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.rest import RestAdapter
from adapters.rest.options import RestOptions

FOUND = [{"status": 200, "means": "taken"}, {"status": 404, "means": "missing"}]


def options(endpoint: dict[str, Any] | None = None, **given: Any) -> RestOptions:
    accept = {"path": "/accept", **(endpoint or {})}
    return RestOptions.model_validate({"base_url": "https://city.example/api/", "endpoints": {"accept": accept}, **given})


def test_the_least_that_must_be_said() -> None:
    least = options()
    assert (least.base_url, least.auth, least.charset) == ("https://city.example/api", [], "utf-8")
    RestAdapter(least, system="city").close()


@pytest.mark.parametrize("auth", [None, "none", {"type": "none"}, []])
def test_no_credentials(auth: Any) -> None:
    assert options(auth=auth).auth == []


@pytest.mark.parametrize(
    "base_url", ["city.example", "ftp://x", "http://u:p@x", "http://x?a=1", "http://x#f", "http://", "http://x:99999", "http://x:0"]
)
def test_addresses_that_are_refused(base_url: str) -> None:
    with pytest.raises(ValidationError):
        options(base_url=base_url)


@pytest.mark.parametrize(
    "endpoint",
    [
        {"path": "/a?b=c"},
        {"path": "http://elsewhere/a"},
        {"path": "/a/{unknown}"},
        {"template": {"a": "$unknown"}},
        {"template": {"a": "$cursor"}},
        {"query": {"a": "${NAME}"}},
        {"headers": {"a": "$page"}},
        {"headers": {"a": "$secret.key"}},
        {"template": {"a": ["$secret"]}},
        {"body": "form", "template": "text"},
        {"body": "xml"},
        {"body": "text", "template": {"a": 1}},
        {"batch": {"size": 0}},
        {"batch": {"size": 5, "results": "/r"}},
        {"batch": {"size": 5, "answers": [{"status": 200, "means": "taken"}]}},
        {"find": {"path": "/f", "answers": [{"status": 200, "means": "taken"}]}},
        {"find": {"path": "/f", "answers": [{"status": 200, "means": "duplicate"}, {"status": 404, "means": "missing"}]}},
        {"answers": [{"status": 200, "means": "queued"}]},
        {"unknown": 1},
        {"method": "FETCH"},
        {"charset": "latin-1"},
    ],
)
def test_endpoints_that_are_refused(endpoint: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        options(endpoint)


@pytest.mark.parametrize(
    ("endpoint", "given", "reason"),
    [
        ({"query": {"t": "$token"}}, {}, "oauth2"),
        ({"template": {"a": "$sealed(body)"}}, {}, "seal"),
        ({"template": ["$items"]}, {}, "batch"),
        (
            {"template": {"app_id": "a"}, "body": "form"},
            {"auth": {"type": "signature", "fields": ["app_id", "app_key"], "digest": "md5", "into": {"form": "sign"}}},
            "app_key",
        ),
        (
            {"template": "$body"},
            {"auth": {"type": "signature", "fields": ["*"], "digest": "md5", "into": {"body": "/head/sign"}}},
            "one by one",
        ),
        (
            {"template": {"app_id": "a"}},
            {"auth": {"type": "signature", "fields": ["app_id"], "digest": "md5", "into": {"form": "sign"}}},
            "the signature goes into a form, which POST /accept does not send",
        ),
        (
            {"template": {"app_id": "a"}, "body": "form", "find": {"method": "GET", "path": "/find", "answers": FOUND}},
            {"auth": {"type": "signature", "fields": [{"a": "$nonce"}], "digest": "md5", "into": {"form": "sign"}}},
            "the signature goes into a form, which GET /find does not send",
        ),
        (
            {"template": {"app_id": "a"}, "body": "form"},
            {"auth": {"type": "signature", "fields": ["app_id"], "digest": "md5", "into": {"body": "/head/sign"}}},
            "the signature goes into a JSON body, which POST /accept does not send",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_at_construction(
    endpoint: dict[str, Any], given: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        RestAdapter(options(endpoint, **given), system="city")


def test_a_wrong_placeholder_is_told_with_the_right_ones() -> None:
    with pytest.raises(ValidationError, match=r"\$bodi is not known here; known: .*\$body.*\$key"):
        options({"template": {"a": {"b": ["$bodi"]}}})


def test_every_auth_is_told_by_its_type() -> None:
    one = {"type": "basic", "user": "u", "password": "p"}
    two = {"type": "signature", "fields": [{"a": "$nonce"}], "digest": "sm3", "into": {"query": "s"}}
    assert [auth.type for auth in options(auth=[one, two]).auth] == ["basic", "signature"]
    with pytest.raises(ValidationError):
        options(auth={"type": "kerberos"})
    with pytest.raises(ValidationError, match="token_url"):
        options(auth={"type": "oauth2", "token_url": "/token", "client_id": "a", "client_secret": "b"})


def test_input_is_never_quoted_in_an_error() -> None:
    with pytest.raises(ValidationError) as caught:
        options(auth={"type": "basic", "user": "u", "password": 12345678, "hush-hush": "topsecret"})
    assert "topsecret" not in str(caught.value)
    assert "12345678" not in str(caught.value)
