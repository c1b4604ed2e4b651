"""Who sent this, and when: replays, swapped fields, two values under one name, and a secret that is being replaced."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from adapters.push.authenticity import Gate
from adapters.push.options import PushOptions
from hub.errors import Unauthentic
from hub.model import Push
from tests.pushing import KEY, SECRET, md5_sorted, webhook

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
WEBHOOK = {"type": "standard-webhooks", "secret": SECRET}
SORTED = {
    "type": "signature", "fields": ["*"], "order": "sorted", "digest": "md5", "secret_at": "suffix", "secret": "s",
    "timestamp": "s", "timestamp_in": "ts", "id_in": "no", "into": {"body": "/sign"},
}  # fmt: skip
STAMP = str(int(NOW.timestamp()))


def gate(auth: dict[str, Any]) -> Gate:
    return Gate(PushOptions.model_validate({"auth": auth, "feeds": {"case": {"key": ["a"]}}}).auth)


def push(body: bytes = b"{}", headers: dict[str, str] | None = None, query: str = "", at: datetime = NOW) -> Push:
    return Push("POST", "/api/v1/push/town/case", query, headers or {}, body, at)


def admit(auth: dict[str, Any], one: Push, *, is_form: bool = False) -> str:
    return gate(auth).admit(one, is_form=is_form)


def refused(auth: dict[str, Any], one: Push, *, is_form: bool = False) -> str:
    with pytest.raises(Unauthentic) as caught:
        admit(auth, one, is_form=is_form)
    return caught.value.code


def test_the_known_answer_of_standard_webhooks() -> None:
    """The example of the specification's own libraries."""
    auth = {"type": "standard-webhooks", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    at = datetime.fromtimestamp(1614265330, UTC)
    assert admit(auth, push(b'{"test": 2432232314}', headers, at=at)) == "msg_p5jXN8AQM9LWM0D4loKWxJek"


def test_the_number_is_the_pushs_own() -> None:
    assert admit(WEBHOOK, push(b"{}", webhook(b"{}", "n-1", at=NOW))) == "n-1"


@pytest.mark.parametrize(("off", "code"), [(299, None), (301, "HUB-S-603"), (-299, None), (-301, "HUB-S-603")])
def test_the_time_may_differ_by_the_skew(off: int, code: str | None) -> None:
    one = push(b"{}", webhook(b"{}", "n-1", at=NOW - timedelta(seconds=off)))
    assert (refused(WEBHOOK, one) if code else admit(WEBHOOK, one)) == (code or "n-1")


@pytest.mark.parametrize("stamp", ["", "soon", "nan", "inf", "1e400", "-1"])
def test_a_time_that_is_none(stamp: str) -> None:
    content = f"n-1.{stamp}.".encode() + b"{}"
    signature = base64.b64encode(hmac.new(KEY, content, hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "n-1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
    assert refused(WEBHOOK, push(b"{}", headers)) == "HUB-S-603"


def test_an_empty_number_is_none() -> None:
    assert refused(WEBHOOK, push(b"{}", webhook(b"{}", "", at=NOW))) == "HUB-S-604"
    assert refused(WEBHOOK, push(b"{}", webhook(b"{}", "n" * 256, at=NOW))) == "HUB-S-604"


def test_a_signature_of_another_version_is_none() -> None:
    headers = webhook(b"{}", "n-1", at=NOW)
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v1a,")
    assert refused(WEBHOOK, push(b"{}", headers)) == "HUB-S-601"


def test_while_the_secret_is_replaced_either_side_may_be_first() -> None:
    new = bytes(reversed(KEY))
    replaced = {**WEBHOOK, "secret": "whsec_" + base64.b64encode(new).decode(), "former": SECRET}
    old_headers, new_headers = webhook(b"{}", "n-1", at=NOW), webhook(b"{}", "n-1", at=NOW, key=new)
    assert admit(replaced, push(b"{}", old_headers)) == "n-1"
    assert admit(replaced, push(b"{}", new_headers)) == "n-1"
    both = {**new_headers, "webhook-signature": f"{new_headers['webhook-signature']} {old_headers['webhook-signature']}"}
    assert admit(WEBHOOK, push(b"{}", both)) == "n-1"
    assert refused(WEBHOOK, push(b"{}", new_headers)) == "HUB-S-602"


def test_bytes_that_are_no_text_can_be_signed() -> None:
    body = bytes(range(256))
    assert admit(WEBHOOK, push(body, webhook(body, "n-1", at=NOW))) == "n-1"


# --- signed field by field ---


def signed_json(**fields: str) -> bytes:
    told = {"ts": STAMP, "no": "n-1", **fields}
    text = ", ".join(f'"{name}": "{value}"' for name, value in {**told, "sign": md5_sorted(told, "s")}.items())
    return ("{" + text + "}").encode()


def test_all_members_of_an_object() -> None:
    assert admit(SORTED, push(signed_json(姓名="甲某某", a="1"))) == "n-1"


@pytest.mark.parametrize(
    "tampered",
    [
        signed_json(a="1").replace(b'"a": "1"', b'"a": "2"'),
        signed_json(a="1").replace(b"{", b'{"b": "2", ', 1),
        signed_json(a="1").replace(b'"a": "1", ', b""),
    ],
)
def test_no_member_can_be_changed_added_or_taken_away(tampered: bytes) -> None:
    assert refused(SORTED, push(tampered)) == "HUB-S-602"


def test_a_parameter_cannot_stand_in_for_a_member() -> None:
    """`?a=1` with the signed value must not let the body say something else: the body becomes the record."""
    tampered = signed_json(a="1").replace(b'"a": "1"', b'"a": "2"')
    assert refused(SORTED, push(tampered, query="a=1")) == "HUB-S-602"
    assert refused(SORTED, push(tampered, headers={"a": "1"})) == "HUB-S-602"


def test_a_header_is_not_among_all_parameters_and_members() -> None:
    """`*` signs no header: a time that stood there could be set anew by whoever saw the push."""
    told = {"no": "n-1", "a": "1"}
    body = json.dumps({**told, "sign": md5_sorted(told, "s")}).encode()
    assert refused(SORTED, push(body, {"ts": STAMP})) == "HUB-S-603"
    told = {"ts": STAMP, "a": "1"}
    body = json.dumps({**told, "sign": md5_sorted(told, "s")}).encode()
    assert refused(SORTED, push(body, {"no": "n-1"})) == "HUB-S-604"


def test_names_in_other_letters_are_other_names() -> None:
    listed = {**SORTED, "fields": ["ts", "no", "A"], "order": "listed"}
    told = {"ts": STAMP, "no": "n-1", "A": "5"}
    sign = hashlib.md5("&".join(f"{n}={v}" for n, v in told.items()).encode() + b"s", usedforsecurity=False).hexdigest()
    body = f'{{"ts": "{STAMP}", "no": "n-1", "A": "5", "sign": "{sign}"}}'.encode()
    assert admit(listed, push(body)) == "n-1"
    tampered = body.replace(b'"A": "5"', b'"A": "99999", "a": "5"')
    assert refused(listed, push(tampered)) == "HUB-S-602"


def test_a_body_with_a_part_that_is_not_signed() -> None:
    listed = {**SORTED, "fields": ["ts", "no"], "into": {"header": "sign"}}
    sign = md5_sorted({"no": "n-1", "ts": STAMP}, "s")
    headers = {"ts": STAMP, "no": "n-1", "sign": sign}
    assert admit(listed, push(b"", headers)) == "n-1"
    assert refused(listed, push(b'{"a": 1}', headers)) == "HUB-S-605"
    assert refused(listed, push(b"[1]", headers)) == "HUB-S-605"
    assert refused(listed, push(b"a=1", headers), is_form=True) == "HUB-S-605"


def test_a_form_in_gbk_is_signed_over_its_own_bytes() -> None:
    recipe = {**SORTED, "charset": "gbk", "into": {"form": "sign"}}
    told = {"ts": STAMP, "no": "n-1", "姓名": "甲某某"}
    body = urlencode({**told, "sign": md5_sorted(told, "s", "gbk")}, encoding="gbk").encode()
    assert admit(recipe, push(body), is_form=True) == "n-1"
