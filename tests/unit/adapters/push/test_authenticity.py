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
from adapters.push.options import Feed, PushOptions
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


def admit(auth: dict[str, Any], one: Push, *, is_form: bool = False, columns: dict[str, str] | None = None) -> str:
    return gate(auth).admit(one, Feed.model_validate({"key": ["A"], "format": "form" if is_form else "json", "columns": columns}))


def refused(auth: dict[str, Any], one: Push, *, is_form: bool = False, columns: dict[str, str] | None = None) -> str:
    with pytest.raises(Unauthentic) as caught:
        admit(auth, one, is_form=is_form, columns=columns)
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


# --- the same letters, another meaning ---

COLUMNS = {"a": "A", "b": "B"}
FORM = {**SORTED, "into": {"form": "sign"}}


def signed_form(sent: dict[str, str] | None = None, **fields: str) -> bytes:
    """Return a form with the signature over `fields`, whatever is sent."""
    told = {"ts": STAMP, "no": "n-1", **fields}
    return urlencode({**(told if sent is None else sent), "sign": md5_sorted(told, "s")}).encode()


def moved(**fields: str) -> bytes:
    return signed_form({"ts": STAMP, "no": "n-1", **fields}, a="1", b="2")


def test_a_form_as_it_was_signed() -> None:
    assert admit(FORM, push(signed_form(a="1", b="2")), is_form=True, columns=COLUMNS) == "n-1"
    other = signed_form({"ts": STAMP, "no": "n-1", "a": "1"}, a="1", appid="7")
    assert admit(FORM, push(other, query="appid=7"), is_form=True, columns=COLUMNS) == "n-1"


@pytest.mark.parametrize(
    "tampered",
    [
        push(moved(a="1"), query="b=2"),
        push(moved(a="1"), {"b": "2"}),
        push(moved(a="1&b=2")),
        push(moved(**{"a=1&b": "2"})),
        push(signed_form({"ts": STAMP, "no": "n-1&b=2", "a": "1"}, a="1", b="2")),
    ],
)
def test_no_field_of_the_record_can_go_elsewhere(tampered: Push) -> None:
    assert refused(FORM, tampered, is_form=True, columns=COLUMNS) in ("HUB-S-602", "HUB-S-605")


def test_without_columns_every_parameter_may_belong_to_the_record() -> None:
    body = signed_form({"ts": STAMP, "no": "n-1", "a": "1"}, a="1", appid="7")
    assert refused(FORM, push(body, query="appid=7"), is_form=True) == "HUB-S-605"
    inside = signed_form({"no": "n-1", "a": "1"}, a="1")
    assert admit(FORM, push(inside, query=f"ts={STAMP}"), is_form=True) == "n-1"


def test_a_listed_field_of_the_record_stands_in_the_body() -> None:
    listed = {**FORM, "fields": ["a", "no", "ts"], "order": "listed"}
    assert admit(listed, push(signed_form(a="1")), is_form=True, columns=COLUMNS) == "n-1"
    beside = signed_form({"ts": STAMP, "no": "n-1"}, a="1")
    assert refused(listed, push(beside, query="a=1"), is_form=True, columns=COLUMNS) == "HUB-S-605"
    assert refused(listed, push(beside, {"a": "1"}), is_form=True, columns=COLUMNS) == "HUB-S-605"


def test_a_parameter_nobody_signed() -> None:
    assert refused(WEBHOOK, push(b"{}", webhook(b"{}", "n-1", at=NOW), "ywlsh=1")) == "HUB-S-605"


@pytest.mark.parametrize("number", ["n 1", "n/1", "n+1", "n&b=2", "n=1", "甲", "\u00e9", "n\n"])
def test_a_number_holds_nothing_that_could_be_something_else(number: str) -> None:
    headers = webhook(b"{}", number, at=NOW)
    assert refused(WEBHOOK, push(b"{}", {**headers, "webhook-id": number.encode().decode("latin-1")})) == "HUB-S-604"


VALUES = {
    "type": "signature", "fields": [{"signed": "$nonce$timestamp$content"}], "pairs": "values", "digest": "hmac-sha256",
    "secret_at": "hmac", "secret": "s", "timestamp_in": "x-time", "id_in": "x-no", "into": {"header": "x-sign"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("form", "stamp", "number", "sent"),
    [
        ("s", STAMP, "n0", {"x-no": "n", "x-time": "0" + STAMP}),
        ("ms", STAMP + "000", "n0", {"x-no": "n", "x-time": f"0{STAMP}000"}),
        ("ms", STAMP + "000", "n", {"x-time": STAMP + "000."}),
        ("%Y%m%d%H%M%S", "20261124160000", "n", {"x-time": "2026112416000"}),
        ("%Y-%m-%d %H:%M:%S", "2026-11-24 16:00:00", "n", {"x-time": "2026-11-24 16:00:0"}),
    ],
)
def test_no_digit_of_the_time_can_go_elsewhere(form: str, stamp: str, number: str, sent: dict[str, str]) -> None:
    auth = {**VALUES, "timestamp": form}
    body = b".0" if sent["x-time"].endswith(".") else b"0"
    honest = {"x-no": number, "x-time": stamp, "x-sign": hmac.new(b"s", f"{number}{stamp}".encode() + body, "sha256").hexdigest()}
    assert admit(auth, push(body, honest)) == number
    whole = f"{number}{stamp}".encode() + body
    tampered = {**honest, **sent}
    rest = whole.removeprefix((tampered["x-no"] + tampered["x-time"]).encode())
    assert rest != whole
    assert refused(auth, push(rest, tampered)) == "HUB-S-603"


# --- what is done before the sender is known ---


def test_an_unsigned_request_is_not_read() -> None:
    """A body of a million fields costs seconds; who signs nothing is told so before."""
    many = b"a=&" * 2000
    assert refused({**FORM, "into": {"header": "x-sign"}}, push(many), is_form=True) == "HUB-S-601"
    assert refused(FORM, push(many), is_form=True) == "HUB-S-605"
    assert refused(SORTED, push(json.dumps({str(at): "" for at in range(2000)} | {"sign": "x"}).encode())) == "HUB-S-605"


def test_a_signature_stands_where_it_was_agreed() -> None:
    headers = webhook(b"{}", "n-1", at=NOW)
    body = json.dumps(headers).encode()
    del headers["webhook-signature"]
    assert refused(WEBHOOK, push(body, headers)) == "HUB-S-601"


def test_constant_names_may_be_chinese() -> None:
    auth = {**VALUES, "fields": [{"时": "$timestamp"}, {"号": "$nonce"}, {"签": "$content"}], "pairs": "name=value"}
    auth |= {"timestamp": "s", "charset": "gbk"}
    content = f"时={STAMP}&号=n-1&签={{}}".encode("gbk")
    headers = {"x-no": "n-1", "x-time": STAMP, "x-sign": hmac.new(b"s", content, "sha256").hexdigest()}
    assert admit(auth, push(b"{}", headers)) == "n-1"
