"""The push adapter as a receiver: Standard Webhooks over JSON, and older recipes over CSV in GBK, forms and XML."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, ClassVar
from urllib.parse import urlencode

import pytest

from adapters.kit.conformance import ReceiverConformance
from adapters.push import PushAdapter
from adapters.push.options import PushOptions
from hub.model import Push
from tests.pushing import SECRET, md5_sorted, webhook

CHINA = timezone(timedelta(hours=8))
COLUMNS = {"办件号": "YWBH", "申请人": "SQRXM"}


class PushedRecords(ReceiverConformance):
    # It opens nothing and asks nobody.
    leaves_out = frozenset(
        {"test_construction_opens_nothing", "test_check_changes_nothing", "test_check_says_when_the_far_side_is_down"}
    )
    auth: ClassVar[dict[str, Any]]
    feed: ClassVar[dict[str, Any]]

    def adapter(self) -> PushAdapter:
        feed = {"key": ["YWBH"], "columns": COLUMNS, **self.feed}
        return PushAdapter(PushOptions.model_validate({"auth": self.auth, "feeds": {"case": feed}}), system="town")

    def rows(self, n: int, first: int) -> list[dict[str, str]]:
        return [{"办件号": f"K{number:05d}", "申请人": f"甲某某{number}"} for number in range(first, first + n)]

    def push(self, n: int, *, first: int = 1, at: datetime | None = None) -> Push:
        return self.signed(self.body(self.rows(n, first)), f"push-{n}-{first}", at or self.now)

    def body(self, rows: list[dict[str, str]]) -> bytes:
        raise NotImplementedError

    def signed(self, body: bytes, number: str, at: datetime) -> Push:
        raise NotImplementedError

    def sent(self, body: bytes, headers: dict[str, str], query: str = "") -> Push:
        return Push("POST", "/api/v1/push/town/case", query, headers, body, self.now)


class TestWebhookWithJson(PushedRecords):
    auth: ClassVar[dict[str, Any]] = {"type": "standard-webhooks", "secret": SECRET}
    feed: ClassVar[dict[str, Any]] = {"items": "data.list"}

    def body(self, rows: list[dict[str, str]]) -> bytes:
        return json.dumps({"data": {"list": rows}}, ensure_ascii=False).encode()

    def signed(self, body: bytes, number: str, at: datetime) -> Push:
        return self.sent(body, webhook(body, number, at=at))

    def spoilt(self) -> Push:
        rows = self.rows(3, 1)
        rows[1]["办件号"] = ""
        return self.signed(self.body(rows), "spoilt", self.now)

    def broken(self) -> Push:
        return self.signed(self.body(self.rows(3, 1))[:-5], "broken", self.now)


class TestCsvInGbkWithHmacSm3(PushedRecords):
    """Header recipe of a county's own: HMAC over number, time and the bytes of the body."""

    auth: ClassVar[dict[str, Any]] = {
        "type": "signature",
        "fields": [{"signed": "$nonce$timestamp$content"}],
        "pairs": "values",
        "digest": "hmac-sm3",
        "secret_at": "hmac",
        "secret": "town-secret",
        "timestamp": "%Y%m%d%H%M%S",
        "timestamp_in": "X-Time",
        "id_in": "X-Nonce",
        "prefix": "sm3=",
        "into": {"header": "X-Sign"},
    }
    feed: ClassVar[dict[str, Any]] = {"format": "csv", "encoding": "gbk"}

    def body(self, rows: list[dict[str, str]]) -> bytes:
        return "\r\n".join([",".join(COLUMNS), *(",".join(row.values()) for row in rows), ""]).encode("gbk")

    def signed(self, body: bytes, number: str, at: datetime) -> Push:
        if "sm3" not in hashlib.algorithms_available:
            pytest.skip("this Python's OpenSSL has no sm3")
        stamp = at.astimezone(CHINA).strftime("%Y%m%d%H%M%S")
        sign = hmac.new(b"town-secret", f"{number}{stamp}".encode() + body, lambda data=b"": hashlib.new("sm3", data))
        return self.sent(body, {"x-time": stamp, "x-nonce": number, "x-sign": f"sm3={sign.hexdigest().upper()}"})

    def spoilt(self) -> Push:
        return self.signed(self.body(self.rows(3, 1)).replace(b"K00002", b""), "spoilt", self.now)

    def broken(self) -> Push:
        return self.signed(self.body(self.rows(3, 1)).replace("办件号".encode("gbk"), b"NO"), "broken", self.now)


class TestXmlSignedInTheQuery(PushedRecords):
    """The signature, time and number stand in the address; without a number of its own the signature is the push's number."""

    auth: ClassVar[dict[str, Any]] = {
        "type": "signature",
        "fields": ["ts", {"body": "$content"}],
        "digest": "md5",
        "secret_at": "suffix",
        "secret": "town-secret",
        "timestamp_in": "ts",
        "into": {"query": "sign"},
    }
    feed: ClassVar[dict[str, Any]] = {"format": "xml"}

    def body(self, rows: list[dict[str, str]]) -> bytes:
        told = "".join("<row>" + "".join(f"<{name}>{value}</{name}>" for name, value in row.items()) + "</row>" for row in rows)
        return f"<rows>{told}</rows>".encode()

    def signed(self, body: bytes, number: str, at: datetime) -> Push:
        stamp = str(int(at.timestamp() * 1000))
        sign = hashlib.md5(f"ts={stamp}&body=".encode() + body + b"town-secret", usedforsecurity=False).hexdigest()
        return self.sent(body, {}, urlencode({"ts": stamp, "sign": sign}))

    def spoilt(self) -> Push:
        return self.signed(self.body(self.rows(3, 1)).replace(b"K00002", b""), "spoilt", self.now)

    def broken(self) -> Push:
        return self.signed(self.body(self.rows(3, 1))[:-8], "broken", self.now)


class TestFormWithSortedFields(PushedRecords):
    """One record a push, all fields sorted and signed with MD5, the signature among them."""

    auth: ClassVar[dict[str, Any]] = {
        "type": "signature",
        "fields": ["*"],
        "order": "sorted",
        "digest": "md5",
        "secret_at": "suffix",
        "secret": "town-secret",
        "timestamp": "s",
        "timestamp_in": "timestamp",
        "id_in": "nonce",
        "into": {"form": "sign"},
    }
    feed: ClassVar[dict[str, Any]] = {"format": "form", "extra": "ignore"}
    # A form holds one record, and its signature stands in it.
    leaves_out = frozenset(
        {"test_every_record_once_in_order", "test_a_spoilt_record_is_accounted_for", "test_an_unsigned_push_is_not_authentic"}
    )

    def body(self, rows: list[dict[str, str]]) -> bytes:
        return urlencode(rows[0]).encode()

    def signed(self, body: bytes, number: str, at: datetime) -> Push:
        fields = {**self.rows(1, int(number.rpartition("-")[2]))[0], "timestamp": str(int(at.timestamp())), "nonce": number}
        return self.sent(urlencode({**fields, "sign": md5_sorted(fields, "town-secret")}).encode(), {})

    def broken(self) -> Push:
        number = {"timestamp": str(int(self.now.timestamp())), "nonce": "broken"}
        raw = {name: value.encode("latin-1") for name, value in number.items()} | {"办件号": "甲".encode("gbk")}
        content = b"&".join(name.encode() + b"=" + value for name, value in sorted(raw.items())) + b"town-secret"
        sign = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return self.sent(urlencode({**raw, "sign": sign}).encode(), {})


class TestCsvWithoutHeaderByPosition(TestCsvInGbkWithHmacSm3):
    """No title tells a first line that something was put before it."""

    feed: ClassVar[dict[str, Any]] = {"format": "csv", "encoding": "gbk", "header": 0}

    def body(self, rows: list[dict[str, str]]) -> bytes:
        return "".join(",".join(row.values()) + "\r\n" for row in rows).encode("gbk")

    def broken(self) -> Push:
        return self.signed("\ufeff".encode() + self.body(self.rows(3, 1)), "broken", self.now)


class TestObjectSignedByItsMembers(PushedRecords):
    """One record a push, every member of the JSON object sorted and signed; the signature stands among them."""

    auth: ClassVar[dict[str, Any]] = {**TestFormWithSortedFields.auth, "into": {"body": "/sign"}}
    feed: ClassVar[dict[str, Any]] = {"extra": "ignore"}
    leaves_out = TestFormWithSortedFields.leaves_out

    def body(self, rows: list[dict[str, str]]) -> bytes:
        return json.dumps(rows[0]).encode()

    def signed(self, body: bytes, number: str, at: datetime) -> Push:
        fields = {**self.rows(1, int(number.rpartition("-")[2]))[0], "timestamp": str(int(at.timestamp())), "nonce": number}
        return self.sent(json.dumps({**fields, "sign": md5_sorted(fields, "town-secret")}).encode(), {})

    def broken(self) -> Push:
        push = self.push(1)
        return replace(push, headers={"content-type": "application/json; charset=gbk"})
