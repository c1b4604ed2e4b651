"""What a REST system says once and every request then has."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.rest.options import RestOptions

REQUEST = {"method": "POST", "path": "/gateway.do", "body": "form", "template": {"version": "1.0"}}
FIND = {
    "template": {"id": "zx_query", "row": "$key"},
    "answers": [{"path": "/held", "equals": True, "means": "taken"}, {"path": "/held", "equals": False, "means": "missing"}],
}


def options(**given: Any) -> RestOptions:
    defaults = {
        "request": REQUEST,
        "endpoint": {"idempotent": True, "template": {"id": "zx_$endpoint", "content": "$json(body)"}, "find": FIND},
    }
    return RestOptions.model_validate({"base_url": "https://city.example", "defaults": defaults, **given})


def test_an_endpoint_may_say_nothing_at_all() -> None:
    accept = options(endpoints={"accept": {}}).endpoints["accept"]
    assert (accept.path, accept.idempotent) == ("/gateway.do", True)
    assert accept.template == {"version": "1.0", "id": "zx_$endpoint", "content": "$json(body)"}
    assert accept.find is not None
    assert (accept.find.method, accept.find.body) == ("POST", "form")
    assert accept.find.template == {"version": "1.0", "id": "zx_query", "row": "$key"}


def test_what_it_says_wins_key_by_key() -> None:
    own = {"path": "/other", "template": {"version": "2.0"}, "idempotent": False, "find": None}
    accept = options(endpoints={"accept": own}).endpoints["accept"]
    assert (accept.path, accept.idempotent, accept.find) == ("/other", False, None)
    assert accept.template == {"version": "2.0", "id": "zx_$endpoint", "content": "$json(body)"}


def test_null_takes_away_whatever_a_default_gives() -> None:
    defaults = {
        "request": {**REQUEST, "query": {"v": "1"}, "headers": {"X": "1", "Y": "2"}},
        "endpoint": {"idempotent": True, "answers": [{"path": "/code", "equals": 0, "means": "taken"}], "find": FIND},
    }
    taken_away = {
        "template": {"version": None, "note": None},
        "headers": {"X": None},
        "query": None,
        "answers": None,
        "idempotent": None,
        "find": {"query": None, "headers": None},
    }
    made = options(defaults=defaults, endpoints={"accept": taken_away, "plain": {"headers": None}})
    accept, find = made.endpoints["accept"], made.endpoints["accept"].find
    assert accept.template == {"note": None}  # a null of its own, of which no default knows, is sent
    assert (accept.headers, accept.query, accept.answers, accept.idempotent) == ({"Y": "2"}, {}, [], False)
    assert find is not None and (find.query, find.headers, find.template["version"]) == ({}, {}, "1.0")
    plain = made.endpoints["plain"]
    assert (plain.headers, plain.query, plain.idempotent, len(plain.answers)) == ({}, {"v": "1"}, True, 1)


def test_lists_and_texts_are_replaced_not_merged() -> None:
    own = {
        "body": "text",
        "template": "$key",
        "find": {"answers": [{"status": 200, "means": "taken"}, {"status": 404, "means": "missing"}]},
    }
    accept = options(endpoints={"accept": own}).endpoints["accept"]
    assert accept.template == "$key"
    assert accept.find is not None and [rule.status for rule in accept.find.answers] == ["200", "404"]


def test_feeds_feedback_and_check_have_the_request_but_nothing_of_endpoints() -> None:
    verdicts = {"endpoint": "accept", "row": "row", "verdicts": [{"path": "x", "means": "rejected"}]}
    listing = {"template": {"id": "zx_list", "since": "$cursor"}}
    made = options(
        endpoints={"accept": {}},
        feeds={"case": {**listing, "key": "no"}},
        feedback={"review": {**listing, **verdicts}},
        check={"template": {"id": "zx_ping"}},
    )
    for one in (made.feeds["case"], made.feedback["review"]):
        assert (one.method, one.path) == ("POST", "/gateway.do")
        assert one.template == {"version": "1.0", "id": "zx_list", "since": "$cursor"}
    assert made.check is not None and made.check.template == {"version": "1.0", "id": "zx_ping"}


def test_a_request_without_a_path_is_still_refused() -> None:
    with pytest.raises(ValidationError) as caught:
        RestOptions.model_validate({"base_url": "https://city.example", "endpoints": {"accept": {}}})
    (error,) = caught.value.errors()
    assert (error["type"], error["loc"]) == ("missing", ("endpoints", "accept", "path"))


@pytest.mark.parametrize("defaults", [{"requests": {}}, {"request": {"pth": "/a"}}, {"endpoint": {"idempotnt": True}}, "text"])
def test_defaults_that_cannot_be_meant(defaults: Any) -> None:
    with pytest.raises(ValidationError):
        options(defaults=defaults, endpoints={"accept": {"path": "/a"}})


def test_verdicts_about_an_endpoint_that_is_not_there() -> None:
    feedback = {"endpoint": "acept", "row": "row", "verdicts": [{"path": "x", "means": "rejected"}]}
    with pytest.raises(ValidationError, match="there is no endpoint 'acept'"):
        options(endpoints={"accept": {}}, feedback={"review": feedback})


def test_editors_accept_a_request_without_a_path() -> None:
    assert "path" not in RestOptions.model_json_schema()["$defs"]["Endpoint"].get("required", [])
