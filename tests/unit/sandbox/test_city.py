"""The city platform reads strictly: encoding, elements, lengths, codes, and what several of them must say together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import insert, select, update

from hub.sandbox.national import now
from hub.sandbox.twins import city_case, city_down
from hub.sandbox.twins.city import CityTwin
from hub.sandbox.twins.city_tables import CITYATTR, CITYINFO, INFOSYNC, PROVINCEATTR, PROVINCEINFO

SN = "1162112500HUB001704622010001000201612010001"
PERSON = {
    "ApplyName": "马䶮", "Sex": "女", "Birthday": "1905-03-12", "CertificateType": "SF",
    "CertificateNumber": "621125190503120020", "Address": "漳县武阳镇", "Postcode": "748300", "MobilePhone": "14000012345",
    "Tel": "", "IdentificationStatus": "",
}  # fmt: skip
UNIT = dict.fromkeys(
    (
        "UnitName", "UnitCode", "UnitIdcardType", "UnitType", "LealPerson", "LegalIdcard", "LegalIdcardType", "Address", "Tel",
        "Postcode", "IdentificationStatus",
    ),
    "",
)  # fmt: skip
INFO = {
    "ServiceID": "", "ServiceCode": "1162112500HUB001704622010001000", "ServiceName": "参保登记", "AreaCode": "621125",
    "ProjectCode": "", "ProjectName": "关于马䶮的参保登记", "PromiseDay": "0", "SN": SN, "PWD": "042917",
    "DeclareTime": "2016-12-01 09:00:00", "ReceiveDeptName": "漳县人社局", "ReceiveDeptCode": "1162112500HUB00170", "OpenWay": "",
}  # fmt: skip
MATERIAL = {
    "Unid": "A1", "Mode": "upload", "Code": "", "Name": "身份证", "SeqNo": "1", "FileName": "身份证.pdf", "LicenseIdentifier": "",
}  # fmt: skip
CASE = {
    "ApasInfo": INFO,
    "Proposer": {"ApplyType": "0", "AreaCode": "621125", "Person": PERSON, "Unit": UNIT},
    "Operator": {("Name" if name == "ApplyName" else name): value for name, value in PERSON.items()},
    "Expresses": "", "FormInfos": "", "Attrs": {"Attr": MATERIAL}, "Documents": "",
    "Sms": {"Receiver": "", "Address": "", "Content": ""}, "Extend": {"Backflow": "Y"},
}  # fmt: skip
RESULT = {
    "ApasInfo": {
        "SN": SN, "ProcessedUser": "陈明", "ProcessedTime": "2016-12-06 15:00:00", "ProcessedOpinion": "办结", "Result": "Y",
        "DeliveryResult": "N",
        **dict.fromkeys(("MakePublic", "OpenWay", "XkfileNum", "XkfileName", "EffectTime", "CloseTime", "XkdeptName"), ""),
        **dict.fromkeys(("XkdeptCode", "Xkcontent", "XkdecideTime", "XkHolder"), ""),
    },
    "Attrs": "", "ResultAttrs": "", "Documents": "", "Sms": {"Receiver": "", "Address": "", "Content": ""},
}  # fmt: skip
ROUTER = {"FromAreaCode": "621125", "ToAreaCode": "621100", "Time": "2016-12-01 09:20:00"}


def written(body: Any, kind: str = "10", unid: str = "U1", declared: str = "GB18030", charset: str = "gb18030") -> bytes:
    root = etree.Element("Case", {"unid": unid, "type": kind, "xsd": "1.0"})
    city_down._fill(root, {"Router": ROUTER, "Body": body})
    return f'<?xml version="1.0" encoding="{declared}"?>{etree.tostring(root, encoding="unicode")}'.encode(charset)


def with_(tree: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with another value at a path; None takes the element out."""
    name, _, rest = path.partition(".")
    changed = with_(tree[name], rest, value) if rest else value
    return {key: changed if key == name else old for key, old in tree.items() if key != name or changed is not None}


def faults(body: Any, kind: str = "10") -> list[str]:
    root, read = city_case.read(written(body, kind))
    return city_case.faults(kind, root, read, "U1")


def test_what_is_right_is_taken() -> None:
    assert faults(CASE) == []
    assert faults(with_(CASE, "Attrs", "")) == []
    assert faults(RESULT, "30") == []


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


@pytest.fixture
def twin(tmp_path: Path) -> Iterator[CityTwin]:
    twin = CityTwin(f"sqlite:///{tmp_path / 'city.db'}")
    twin.create()
    yield twin
    twin.stop()


def put(twin: CityTwin, content: bytes, kind: str = "10", unid: str = "U1", applyfrom: str = "20") -> None:
    row = {"unid": unid, "type": kind, "createtime": "2016-12-01 09:20:00", "action": "I", "applyfrom": applyfrom}
    with twin._engine.begin() as connection:
        connection.execute(insert(CITYINFO).values(**row, content=content))


def feedback(twin: CityTwin) -> list[str]:
    with twin._engine.connect() as connection:
        rows = connection.scalars(
            select(PROVINCEINFO.c.content).where(PROVINCEINFO.c.type == "99").order_by(PROVINCEINFO.c.createtime)
        )
        return sorted(found[1] for content in rows if (found := re.search("<Result>(.*)</Result>", _decoded(content))))


def test_a_case_is_confirmed_and_its_result_waits_for_it(twin: CityTwin) -> None:
    put(twin, written(with_(CASE, "ApasInfo.PWD", None)))
    put(twin, written(RESULT, "30", "U2"), "30", "U2")
    twin.work()
    assert feedback(twin) == ["失败：缺少元素 PWD"], "a result is not judged before its case"
    with twin._engine.begin() as connection:
        connection.execute(update(CITYINFO).where(CITYINFO.c.unid == "U1").values(content=written(CASE), action="U", TCHAR3=None))
    twin.work()
    assert feedback(twin) == ["失败：缺少元素 PWD", "成功"]
    assert (twin.stats()["order_violations"], twin.stats()["updated"]) == (0, 1)
    assert twin.work() == 0


def test_what_comes_before_its_case_is_counted_once(twin: CityTwin) -> None:
    put(twin, written(RESULT, "30", "U2"), "30", "U2")
    with twin._engine.begin() as connection:
        connection.execute(insert(CITYATTR).values(unid="A9", createtime="2016-12-01 09:20:00", content=b"x"))
    twin.work()
    twin.work()
    assert twin.stats()["order_violations"] == 2


def test_a_result_before_its_application_is_rejected(twin: CityTwin) -> None:
    put(twin, written(CASE))
    put(twin, written(with_(RESULT, "ApasInfo.ProcessedTime", "2016-11-30 00:00:01"), "30", "U2"), "30", "U2")
    twin.work()
    assert feedback(twin) == ["失败：办结时间早于申报时间", "成功"]


def test_a_joint_case_is_carried_on_in_two_stages(twin: CityTwin) -> None:
    put(twin, written(CASE), applyfrom="24")
    for expected in ({"80"}, {"80", "85", "86"}):
        twin.work()
        with twin._engine.connect() as connection:
            kinds = set(connection.scalars(select(PROVINCEINFO.c.type)))
        assert expected <= kinds
    names = dict(twin.offered())
    assert names["outcome"] == SN and set(names) >= {"process", "outcome", "certificate", "file"}
    with twin._engine.begin() as connection:
        assert connection.scalar(select(PROVINCEATTR.c.TCHAR3)) == "省级许可证书.pdf"
        for unid in connection.scalars(select(PROVINCEINFO.c.unid)).all():
            connection.execute(insert(INFOSYNC).values(unid=unid))
    assert twin.stats()["unconfirmed"] == 1, "the file is not confirmed yet"


def test_its_documents_come_in_every_character_set() -> None:
    clerk = set()
    for number in range(40):
        for row in city_down.course(f"{number:043}", 0, 1, now()):
            declared = row.content.removeprefix(b"\xef\xbb\xbf").split(b'"')[3].decode()
            clerk.add((declared, row.content.startswith(b"\xef\xbb\xbf"), _is_utf8(row.content)))
    assert clerk == {("GB2312", False, False), ("GBK", False, False), ("UTF-8", True, True), ("GB2312", False, True)}


def _is_utf8(content: bytes) -> bool:
    return _decoded(content).encode() == content.removeprefix(b"\xef\xbb\xbf")


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030")
