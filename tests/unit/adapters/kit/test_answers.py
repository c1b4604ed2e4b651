"""The answers table: rules first, then the protocol, then «not understood»."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from adapters.kit.answer import Answer
from adapters.kit.answers import AnswerRule, Judge, judge
from hub.errors import Deferred, Failure, InDoubt, Misconfigured, Rejected, Retryable
from hub.model import Receipt, Taken

NOW = datetime(2016, 12, 13, 1, 2, 3, tzinfo=UTC)
HTML = b"<!DOCTYPE html>\n<html><head><title>\xe7\xbb\xb4\xe6\x8a\xa4</title></head><body>x</body></html>"


def rules(*given: dict[str, Any]) -> list[AnswerRule]:
    return [AnswerRule.model_validate(rule) for rule in given]


def told(*given: dict[str, Any], status: int = 200, body: bytes | str = b'{"code":0}', **options: Any) -> Any:
    return Judge(rules(*given), clock=lambda: NOW, **options)(Answer(status, {}, body))


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (400, Rejected, "HUB-D-115"),
        (401, Misconfigured, "HUB-D-110"),
        (403, Misconfigured, "HUB-D-110"),
        (404, Misconfigured, "HUB-D-111"),
        (405, Misconfigured, "HUB-D-111"),
        (407, Misconfigured, "HUB-D-110"),
        (408, Retryable, "HUB-D-113"),
        (409, Rejected, "HUB-D-115"),
        (413, Rejected, "HUB-D-115"),
        (415, Rejected, "HUB-D-115"),
        (422, Rejected, "HUB-D-115"),
        (425, Retryable, "HUB-D-113"),
        (429, Deferred, "HUB-D-112"),
        (500, Retryable, "HUB-D-113"),
        (502, InDoubt, "HUB-D-114"),
        (503, Retryable, "HUB-D-113"),
        (504, InDoubt, "HUB-D-114"),
        (520, Retryable, "HUB-D-113"),
        (302, Retryable, "HUB-D-118"),
        (700, Retryable, "HUB-D-118"),
    ],
)
def test_the_protocol_table(status: int, outcome: type[Failure], code: str) -> None:
    result = judge([], Answer(status, {}, HTML if status >= 500 else b"{}"))
    assert type(result) is outcome
    assert result.code == code


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_without_rules_a_2xx_is_taken(status: int) -> None:
    assert judge([], Answer(status, {}, b"")) == Receipt()


def test_without_fixed_path_a_404_is_about_the_record() -> None:
    assert isinstance(told(status=404, fixed_path=False), Rejected)
    assert isinstance(told(status=405, fixed_path=False), Misconfigured)


# --- rules ---


@pytest.mark.parametrize(
    ("rule", "answer"),
    [
        ({"status": 200}, Answer(200)),
        ({"status": "2xx"}, Answer(299)),
        ({"status": ["404", "500-502"]}, Answer(501)),
        ({"fault": "^001$"}, Answer(500, fault="001")),
        ({"text": "重复提交"}, Answer(200, {}, "错误：重复提交")),
        ({"text": "重复提交"}, Answer(200, {}, b'{"msg":"\\u91cd\\u590d\\u63d0\\u4ea4"}')),
        ({"path": "/code", "equals": 200}, Answer(200, {}, b'{"code":200}')),
        ({"path": "/code", "equals": "200"}, Answer(200, {}, b'{"code":200}')),
        ({"path": "success", "equals": True}, Answer(200, {}, b'{"success":true}')),
        ({"path": "/code", "in": [0, "200"]}, Answer(200, {}, b'{"code":"0"}')),
        ({"path": "/msg", "matches": "重复|已存在"}, Answer(200, {}, '{"msg":"该件已存在"}')),
        ({"path": "/data/id"}, Answer(200, {}, b'{"data":{"id":"x"}}')),
        ({"path": "/data/id", "present": False}, Answer(200, {}, b'{"data":{}}')),
        ({"path": "//STATUS", "equals": 200}, Answer(200, {}, b"<RESULT><STATUS>200</STATUS></RESULT>")),
        ({"status": 200, "path": "/code", "equals": 1, "text": "ok"}, Answer(200, {}, b'{"code":1,"m":"ok"}')),
    ],
)
def test_a_condition_holds(rule: dict[str, Any], answer: Answer) -> None:
    assert isinstance(judge(rules({**rule, "means": "taken"}), answer), Receipt)


@pytest.mark.parametrize(
    "rule",
    [
        {"status": "5xx"},
        {"fault": "."},
        {"path": "/code", "equals": 1},
        {"path": "/msg"},
        {"path": "/code", "present": False},
        {"status": 200, "path": "/code", "equals": 1},
    ],
)
def test_a_condition_that_does_not_hold(rule: dict[str, Any]) -> None:
    assert isinstance(told({**rule, "means": "taken"}), Retryable)


def test_the_first_match_wins_over_the_protocol() -> None:
    duplicate = {"status": 409, "means": "duplicate"}
    assert told(duplicate, {"status": "4xx", "means": "rejected"}, status=409) == Receipt(Taken.DUPLICATE)
    assert isinstance(told({"status": "4xx", "means": "rejected"}, duplicate, status=409), Rejected)


@pytest.mark.parametrize(
    ("means", "outcome", "code"),
    [("rejected", Rejected, "HUB-D-120"), ("retry", Retryable, "HUB-D-121"), ("misconfigured", Misconfigured, "HUB-D-122")],
)
def test_refusals_by_rule(means: str, outcome: type[Failure], code: str) -> None:
    result = told({"path": "/code", "equals": 0, "means": means, "said": "/msg"}, body='{"code":0,"msg":"不行"}')
    assert (type(result), result.code, result.said) == (outcome, code, "不行")


def test_reference_and_words_of_a_receipt() -> None:
    rule = {"path": "/code", "equals": 0, "means": "taken", "reference": "data.id", "said": "msg"}
    assert told(rule, body='{"code":0,"msg":"ok","data":{"id":77}}') == Receipt(Taken.TAKEN, "77", "ok")


def test_queued_sets_a_deadline_and_retry_may_set_a_time() -> None:
    assert told({"status": 202, "means": "queued", "within": "24h"}, status=202).deadline == NOW + timedelta(hours=24)
    later = told({"status": 200, "means": "retry", "after": "10m"})
    assert isinstance(later, Deferred)
    assert later.until == NOW + timedelta(minutes=10)


# --- a 2xx nobody spoke about ---


def test_a_2xx_is_not_taken_when_success_is_declared_and_missing() -> None:
    result = told({"path": "/code", "equals": 200, "means": "taken"}, body='{"code":500,"msg":"失败"}')
    assert (type(result), result.code, result.said) == (Retryable, "HUB-D-118", "失败")


def test_a_2xx_is_taken_when_rules_only_name_refusals() -> None:
    assert told({"path": "/code", "equals": 9, "means": "rejected"}, {"status": 409, "means": "duplicate"}) == Receipt()


# --- pages and fragments where data was due ---


def test_an_html_page_is_judged_by_its_status_first() -> None:
    unavailable = told({"status": "2xx", "means": "taken"}, status=503, body=HTML)
    assert (type(unavailable), unavailable.code, unavailable.said) == (Retryable, "HUB-D-113", "维护")


@pytest.mark.parametrize("given", [[], [{"status": "2xx", "means": "taken"}], [{"text": "html", "means": "duplicate"}]])
def test_an_html_page_is_never_success(given: list[dict[str, Any]]) -> None:
    result = told(*given, body=HTML)
    assert (type(result), result.code) == (Retryable, "HUB-D-117")


@pytest.mark.parametrize(
    ("answer", "html"),
    [
        (Answer(200, {}, b"<?xml version='1.0'?><!DOCTYPE html PUBLIC 'x'><html/>"), True),
        (Answer(200, {}, b"<!-- a --><HTML>"), True),
        (Answer(200, {"content-type": "text/html"}, b"<h1>It works!</h1>"), True),
        (Answer(200, {"content-type": "text/html"}, b'{"code":0,"msg":"<b>"}'), False),
        (Answer(200, {}, b"<body><code>0</code></body>"), False),
        (Answer(200, {}, b'{"page":"<html>"}'), False),
    ],
)
def test_what_is_a_page(answer: Answer, html: bool) -> None:
    assert answer.is_html is html


def test_a_rule_may_still_read_failure_out_of_a_page() -> None:
    assert isinstance(told({"text": "login", "means": "misconfigured"}, body=b"<html>login</html>"), Misconfigured)


@pytest.mark.parametrize(
    "given", [[], [{"status": "2xx", "means": "taken"}], [{"path": "code", "equals": 0, "means": "duplicate"}]]
)
def test_an_answer_with_a_trouble_is_never_success(given: list[dict[str, Any]]) -> None:
    torn = InDoubt("HUB-D-135", "a part of it cannot be read")
    assert Judge(rules(*given))(Answer(200, {}, b'{"code":0}', trouble=torn)) is torn


def test_a_rule_may_still_refuse_by_an_answer_with_a_trouble() -> None:
    torn = Answer(200, {}, b'{"code":0}', trouble=InDoubt("HUB-D-135", "a part of it cannot be read"))
    assert isinstance(Judge(rules({"path": "code", "equals": 0, "means": "rejected"}))(torn), Rejected)


def test_expect_any_takes_pages() -> None:
    assert told(body=HTML, expect="any") == Receipt()


@pytest.mark.parametrize(
    ("expect", "body", "fine"),
    [
        ("json", b'{"code":', False),
        ("json", b'{"code":0}', True),
        ("json", b"", True),
        ("xml", b"<a><b></a>", False),
        ("xml", b"<a/>", True),
        ("xml", "<?xml version='1.0' encoding='GB2312'?><a>喆䶮</a>".encode("gb18030"), True),
        ("data", b"ok", True),
    ],
)
def test_a_body_that_is_not_as_declared(expect: Any, body: bytes, fine: bool) -> None:
    result = told(body=body, expect=expect)
    assert isinstance(result, Receipt) is fine
    if not fine:
        assert (type(result), result.code) == (InDoubt, "HUB-D-117")


# --- rules that cannot be meant ---


@pytest.mark.parametrize(
    "rule",
    [
        {"means": "taken"},
        {"status": 202, "means": "queued"},
        {"status": 200, "means": "taken", "within": "1h"},
        {"status": 200, "means": "taken", "after": "1h"},
        {"status": "6xx", "means": "taken"},
        {"status": "ok", "means": "taken"},
        {"equals": 1, "status": 200, "means": "taken"},
        {"path": "/a", "equals": 1, "in": [1], "means": "taken"},
        {"path": "/a", "matches": "(", "means": "taken"},
        {"status": 200, "means": "fine"},
        {"status": 200, "means": "retry", "after": "soon"},
        {"status": 200, "means": "taken", "unknown": 1},
    ],
)
def test_unusable_rules_are_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AnswerRule.model_validate(rule)
