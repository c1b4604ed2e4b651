"""The city platform reads strictly: encoding, elements, lengths, codes, and what several of them must say together."""

from __future__ import annotations

from typing import Any

import pytest

from hub.sandbox.twins import city_case
from tests.unit.sandbox.city_documents import CASE, PAUSE, RESULT, SN, with_, written


def faults(body: Any, kind: str = "10") -> list[str]:
    root, read = city_case.read(written(body, kind))
    return city_case.faults(kind, root, read, "U1")


def test_what_is_right_is_taken() -> None:
    assert faults(CASE) == []
    assert faults(with_(CASE, "Attrs", "")) == []
    assert faults(RESULT, "30") == []
    assert [faults(body, kind) for kind, body in PAUSE.items()] == [[], [], []]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("ApasInfo.SN", "", "SN 不能为空"),
        ("ApasInfo.PWD", None, "缺少元素 PWD"),
        ("ApasInfo.ServiceName", "长" * 201, "ServiceName 超过 200 个字符"),
        ("ApasInfo.DeclareTime", "2016-12-01", "DeclareTime 取值或格式错误"),
        ("ApasInfo.DeclareTime", "2999-12-01 09:00:00", "DeclareTime 取值或格式错误"),
        ("ApasInfo.ReceiveDeptCode", "1162112500HUB00171", "ReceiveDeptCode 取值或格式错误"),
        ("ApasInfo.ServiceCode", "9162112500HUB0033D4622010001000", "事项编码不属于受理部门"),
        ("Proposer.ApplyType", "1", "申请人与申请人类型不符"),
        ("Proposer.ApplyType", "2", "ApplyType 取值或格式错误"),
        ("Proposer.Person.ApplyName", "", "申请人与申请人类型不符"),
        ("Proposer.Person.CertificateType", "111", "CertificateType 取值或格式错误"),
        ("Proposer.Person.CertificateNumber", "621125190503120021", "申请人身份证号校验位错误"),
        ("Proposer.Unit.UnitName", None, "缺少元素 UnitName"),
        ("Proposer.Unit.LealPerson", "王喆", "申请人与申请人类型不符"),
        ("Attrs.Attr.Mode", "paper2", "Mode 取值或格式错误"),
        ("Attrs", None, "缺少元素 Unid"),
        ("Extend", "", "缺少元素 Backflow"),
    ],
)
def test_what_is_wrong_with_a_case(path: str, value: Any, words: str) -> None:
    assert words in faults(with_(CASE, path, value))


@pytest.mark.parametrize(
    ("path", "value"), [("ApasInfo.Result", "T"), ("ApasInfo.XkfileName", "许可证"), ("ApasInfo.ProcessedTime", "")]
)
def test_what_is_wrong_with_a_result(path: str, value: str) -> None:
    assert faults(with_(RESULT, path, value), "30")


@pytest.mark.parametrize(
    ("kind", "said", "words"),
    [
        ("21", {"Name": "审核"}, "暂停环节的代码与名称不符"),  # a stage of the course of a case (type 20) is no pause
        ("21", {"Code": "6", "Name": "发证(文)"}, "Code 取值或格式错误"),
        ("21", {"Code": "4", "Name": "特殊环节结束"}, "Code 取值或格式错误"),  # that is how one ends
        ("21", {"Code": "1", "Name": "补件开始"}, "暂停环节与暂停种类不符"),
        ("21", {"SType": "1"}, "暂停环节与暂停种类不符"),
        ("22", {"Code": "4", "Name": "特殊环节结束"}, "Code 取值或格式错误"),  # only a supplement brings one
        ("23", {"Code": "3", "Name": "特殊环节开始"}, "Code 取值或格式错误"),
        ("23", {"Name": "补件结束"}, "暂停环节的代码与名称不符"),
    ],
)
def test_pauses_have_a_list_of_their_own(kind: str, said: dict[str, str], words: str) -> None:
    body = PAUSE[kind]
    assert words in faults(body | {"Node": body["Node"] | said}, kind)


def test_a_supplement_begins_and_ends_by_its_own_codes() -> None:
    supplement = {"Code": "1", "Name": "补件开始", "SType": "1"}
    assert faults(PAUSE["21"] | {"Node": PAUSE["21"]["Node"] | supplement}, "21") == []
    ended = {"Code": "2", "Name": "补件结束"}
    assert faults(PAUSE["23"] | {"Node": PAUSE["23"]["Node"] | ended}, "23") == []


@pytest.mark.parametrize("said", [{"Result": "N"}, {"Result": "E3"}])
def test_only_a_grant_needs_no_reason(said: dict[str, str]) -> None:
    def told(opinion: str, **more: str) -> list[str]:
        return faults(RESULT | {"ApasInfo": RESULT["ApasInfo"] | {"ProcessedOpinion": opinion} | more}, "30")

    assert told("无意见") == []
    assert told("无意见", **said) == ["没有说明不予、退回的理由"]
    assert told("逾期未补正，退件", **said) == []


def test_amounts_have_sixteen_digits_two_of_them_after_the_point() -> None:
    def told(amount: str) -> list[str]:
        detail = dict.fromkeys(
            (
                "ChargeDetailKey", "ChargeDetailOrgName", "ChargeDetailOrgCode", "ChargeDetailName", "ChargeDetailCode",
                "ChargeDetailUnit", "ChargeDetailStandard", "ChargeDetailAmount",
            ),
            "1",
        )  # fmt: skip
        pay = dict.fromkeys(("PayOrdNum", "PayDevice", "PayEBillCode", "PayBankNo", "PayBankCode", "PayState"), "1")
        times = {"PayOrdDate": "2016-12-01", "PayOrdTime": "09:30:00", "PayTranTime": "2016-12-01 09:30:00"}
        details = {"ChargeDetails": {"ChargeDetail": detail | {"ChargeDetailPayment": amount}}}
        return faults({"ApasInfo": {"SN": SN}, "Node": pay | times | details | {"PayMent": amount}}, "25")

    assert told("12345678901234.50") == []
    assert told("123456789012345.50") and told("20") and told("20.5")


def test_no_word_quotes_a_value() -> None:
    told = faults(with_(with_(CASE, "Proposer.Person.CertificateNumber", "621125190503120021"), "Proposer.Unit.LealPerson", "王喆"))
    assert told and not any(value in " ".join(told) for value in ("6211251905", "王喆", "马䶮"))


@pytest.mark.parametrize(
    ("declared", "charset", "words"),
    [
        ("GB2312", "gb18030", None),
        ("UTF-8", "utf-8", None),
        ("UTF-8", "gb18030", "UnicodeDecodeError"),
        ("X-NONE", "utf-8", "LookupError"),
    ],
)
def test_a_document_is_what_it_declares(declared: str, charset: str, words: str | None) -> None:
    content = written(CASE, declared=declared, charset=charset)
    if words is None:
        assert city_case.text(city_case.read(content)[1], "Proposer.Person.ApplyName") == "马䶮"
    else:
        with pytest.raises(city_case.Unreadable, match=words):
            city_case.read(content)
