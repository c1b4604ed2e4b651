"""What may be said about a far side that pushes, and which recipes would let somebody else push."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from adapters.push.options import PushOptions
from tests.pushing import SECRET

RECIPE: dict[str, Any] = {
    "type": "signature", "fields": ["ts", "no", {"body": "$content"}], "digest": "md5", "secret_at": "suffix", "secret": "s",
    "timestamp_in": "ts", "id_in": "no", "into": {"header": "sign"},
}  # fmt: skip
FEED: dict[str, Any] = {"key": ["YWBH"]}


def options(auth: dict[str, Any] | None = None, feed: dict[str, Any] | None = None) -> PushOptions:
    return PushOptions.model_validate({"auth": {**RECIPE, **(auth or {})}, "feeds": {"case": {**FEED, **(feed or {})}}})


def test_the_recipe_stands() -> None:
    assert options().feeds["case"].format == "json"


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ({"fields": ["no", {"body": "$content"}]}, "timestamp_in: ts is not signed"),
        ({"fields": ["ts", {"body": "$content"}]}, "id_in: no is not signed"),
        ({"secret_at": "none"}, "nothing of the secret"),
        ({"into": {"form": "sign"}}, "cannot stand in the body"),
        ({"into": {"body": "/sign"}}, "cannot stand in the body"),
        ({"joiner": "，"}, "plain ASCII"),
        ({"fields": ["ts", "no", {"body": "$contents"}]}, "did you mean|not known here"),
        ({"secret": None}, "secret"),
        ({"secret": ""}, "empty"),  # an environment variable that is there and says nothing
        ({"former": ""}, "empty"),
        ({"skew": "30d"}, "less than or equal to 86400"),  # numbers are remembered for seven days
    ],
)
def test_a_recipe_that_proves_too_little_is_refused(auth: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        options(auth)


@pytest.mark.parametrize(
    "auth",
    [
        {"fields": ["*"], "into": {"form": "sign"}},
        {"fields": [{"all": "$timestamp$nonce$content"}]},
        {"fields": ["ts", "no", {"secret": "$secret"}], "secret_at": "none"},
        {"id_in": None, "fields": ["ts", {"body": "$content"}]},
    ],
)
def test_recipes_that_prove_enough(auth: dict[str, Any]) -> None:
    options(auth)


@pytest.mark.parametrize("secret", ["whsec_!!!", "whsec_c2hvcnQ=", ""])
def test_a_webhook_secret_is_long_enough_and_base64(secret: str) -> None:
    with pytest.raises(ValidationError, match="16 bytes"):
        PushOptions.model_validate({"auth": {"type": "standard-webhooks", "secret": secret}, "feeds": {"case": FEED}})


def test_a_webhook_may_be_a_day_off_and_no_more() -> None:
    auth = {"type": "standard-webhooks", "secret": SECRET}
    assert PushOptions.model_validate({"auth": {**auth, "skew": "1d"}, "feeds": {"case": FEED}}).auth.skew == 86400
    with pytest.raises(ValidationError, match="less than or equal to 86400"):
        PushOptions.model_validate({"auth": {**auth, "skew": "25h"}, "feeds": {"case": FEED}})


@pytest.mark.parametrize(
    ("feed", "said"),
    [
        ({"format": "csv"}, "csv needs columns"),
        ({"format": "xml", "items": "a"}, "path in a JSON body"),
        ({"deleted": {"status": "200"}}, "condition on a path"),
        ({"columns": {"a": "X"}}, "key and revision must be fields of columns"),
    ],
)
def test_feeds_that_are_refused(feed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        options(feed=feed)


def test_no_secret_is_shown() -> None:
    shown = repr(PushOptions.model_validate({"auth": {"type": "standard-webhooks", "secret": SECRET}, "feeds": {"case": FEED}}))
    assert SECRET.removeprefix("whsec_") not in shown
