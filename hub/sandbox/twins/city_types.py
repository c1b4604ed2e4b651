"""Decides which elements each type of <Case> has, how long they are and what they may say, alone and together.

Written from the published parts of the format (types, elements, codes) and the lengths of GB/T 39046; on purpose not from this
product's contracts, which it is to judge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hub.sandbox.national import SKEW, credit_code_is_valid, identity_is_valid, moment, now

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_CLOCK = re.compile(r"\d\d:\d\d:\d\d")
_MONEY = re.compile(r"\d{1,14}\.\d\d")  # GB/T 39046 table 14: n..16,2


@dataclass(frozen=True, slots=True)
class Element:
    """One element below Body: it must be there, at most `length` characters long, and not empty when `must`."""

    path: str
    length: int
    must: bool = False
    fits: Callable[[str], bool] = lambda text: True


# --- the elements of each type ---


def _of(*codes: str) -> Callable[[str], bool]:
    return frozenset(codes).__contains__


def _like(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: pattern.fullmatch(value) is not None


def _past(value: str) -> bool:
    when = moment(value)
    return TIME.fullmatch(value) is not None and when is not None and when <= now() + SKEW


def _pause(*codes: str) -> tuple[Element, ...]:
    """Return what says which pause begins or ends, and that only these codes may."""
    named = (Element("Name", 20, True), Element("SName", 100, True))
    return (Element("NodeGuid", 50, True), Element("Code", 1, True, _of(*codes)), *named)


def _all(prefix: str, *elements: Element) -> tuple[Element, ...]:
    return tuple(Element(f"{prefix}.{one.path}", one.length, one.must, one.fits) for one in elements)


_PERSON = (
    Element("Sex", 1, fits=_of("男", "女")), Element("Birthday", 10, fits=_like(_DAY)),
    Element("CertificateType", 10, fits=_of("SF", "HZ", "QT")), Element("CertificateNumber", 50), Element("Address", 200),
    Element("Postcode", 6), Element("MobilePhone", 18), Element("Tel", 18), Element("IdentificationStatus", 2),
)  # fmt: skip
_UNIT = (
    Element("UnitName", 100), Element("UnitCode", 18), Element("UnitIdcardType", 10, fits=_of("XYDM", "JGDM", "YYZZ")),
    Element("UnitType", 2), Element("LealPerson", 100), Element("LegalIdcard", 50), Element("LegalIdcardType", 10),
    Element("Address", 200), Element("Tel", 18), Element("Postcode", 6), Element("IdentificationStatus", 2),
)  # fmt: skip
_SN = (Element("ApasInfo.SN", 50, True),)
_STAGE = (Element("Code", 1, True, _of(*"123456")), Element("Name", 20, True), Element("SName", 100, True))
#: Pauses have a list of their own: what begins or ends, by code.
_PAUSES = {"1": "补件开始", "2": "补件结束", "3": "特殊环节开始", "4": "特殊环节结束"}
#: SType of what begins, by code: 补件, 特殊环节.
_PAUSE_KINDS = {"1": "1", "3": "2"}
_DONE = (Element("ProcessedUser", 30), Element("ProcessedTime", 19, True, _past), Element("ProcessedOpinion", 1000, True))
_ATTR = (
    Element("Unid", 50, True), Element("Mode", 20, True, _of("upload", "paper", "license", "electronicmaterial")),
    Element("Code", 50), Element("Name", 200, True), Element("SeqNo", 5), Element("FileName", 200),
    Element("LicenseIdentifier", 100),
)  # fmt: skip
_DETAIL = (
    Element("ChargeDetailKey", 50, True), Element("ChargeDetailOrgName", 200), Element("ChargeDetailOrgCode", 18),
    Element("ChargeDetailName", 200, True), Element("ChargeDetailCode", 50), Element("ChargeDetailUnit", 20),
    Element("ChargeDetailStandard", 200), Element("ChargeDetailAmount", 10),
    Element("ChargeDetailPayment", 17, True, _like(_MONEY)),
)  # fmt: skip
_SMS = _all("Sms", Element("Receiver", 18), Element("Address", 200), Element("Content", 500))

TYPES: dict[str, tuple[Element, ...]] = {
    "10": (
        *_SN,
        *_all(
            "ApasInfo", Element("ServiceID", 50), Element("ServiceCode", 36, True), Element("ServiceName", 200, True),
            Element("AreaCode", 12, True), Element("ProjectCode", 24), Element("ProjectName", 1000, True),
            Element("PromiseDay", 5, fits=str.isdecimal), Element("PWD", 20), Element("DeclareTime", 19, True, _past),
            Element("ReceiveDeptName", 100, True), Element("ReceiveDeptCode", 18, True, credit_code_is_valid),
            Element("OpenWay", 2),
        ),
        Element("Proposer.ApplyType", 1, True, _of("0", "1")), Element("Proposer.AreaCode", 12),
        *_all("Proposer.Person", Element("ApplyName", 100), *_PERSON), *_all("Proposer.Unit", *_UNIT),
        *_all("Operator", Element("Name", 100), *_PERSON), *_all("Attrs.Attr", *_ATTR), *_SMS,
        Element("Expresses", 0), Element("FormInfos", 0), Element("Documents", 0), Element("Extend.Backflow", 1, True, _of("Y")),
    ),
    "20": (
        *_SN,
        *_all(
            "Node", *_STAGE, Element("NextName", 100, True), Element("NextUser", 30, True), Element("ProcessedUser", 30, True),
            Element("StartTime", 19, True, _past), Element("Modified", 19, True, _past),
            Element("Type", 1, True, _of("1", "2", "9")), Element("ProcessedOpinion", 1000, True),
            Element("PromiseEndTime", 19, True), Element("Remark", 1000),
        ),
    ),
    "21": (
        *_SN,
        *_all(
            "Node", *_pause("1", "3"), Element("SType", 1, True, _of("1", "2")), Element("Reason", 1000, True), *_DONE,
            Element("BeginTime", 19, True, _past), Element("EndTime", 19, fits=_like(TIME)), Element("PromiseEndTime", 19, True),
        ),
        Element("Attrs", 0),
    ),
    "22": (*_SN, Element("ApasInfo.Type", 2), *_all("Node", *_pause("2"), *_DONE), Element("Attrs", 0)),
    "23": (*_SN, *_all("Node", *_pause("2", "4"), *_DONE, Element("ActualTime", 19, True, _past)), Element("Attrs", 0)),
    "24": (
        *_SN,
        *_all(
            "Node", *_STAGE, *_DONE, Element("BeginTime", 19, True, _past), Element("EndTime", 19, fits=_like(TIME)),
            Element("Remark", 1000), Element("ChargeCfgName", 200), Element("ChargeCfgCode", 50),
            *_all("ChargeDetails.ChargeDetail", *_DETAIL),
        ),
    ),
    "25": (
        *_SN,
        *_all(
            "Node", Element("PayOrdNum", 50, True), Element("PayOrdDate", 10, True, _like(_DAY)),
            Element("PayOrdTime", 8, True, _like(_CLOCK)), Element("PayDevice", 10), Element("PayEBillCode", 50),
            Element("PayTranTime", 19, True, _past), Element("PayMent", 17, True, _like(_MONEY)), Element("PayBankNo", 50),
            Element("PayBankCode", 20), Element("PayState", 1, True, _of("1", "2")),
            *_all("ChargeDetails.ChargeDetail", *_DETAIL),
        ),
    ),
    "30": (
        *_SN,
        *_all(
            "ApasInfo", Element("ProcessedUser", 30, True), *_DONE[1:], Element("Result", 2, True, _of("Y", "N", "E3")),
            Element("DeliveryResult", 1, True, _of("Y", "N")), Element("MakePublic", 2), Element("OpenWay", 2),
            Element("XkfileNum", 200), Element("XkfileName", 256), Element("EffectTime", 10, fits=_like(_DAY)),
            Element("CloseTime", 10, fits=_like(_DAY)), Element("XkdeptName", 100), Element("XkdeptCode", 18),
            Element("Xkcontent", 1000), Element("XkdecideTime", 10, fits=_like(_DAY)), Element("XkHolder", 100),
        ),
        Element("Attrs", 0), Element("ResultAttrs", 0), Element("Documents", 0), *_SMS,
    ),
    "31": (
        *_SN,
        *_all(
            "ResultAttrs.ResultAttr", Element("Unid", 50, True), Element("AttrCategory", 20), Element("AttrName", 256, True),
            Element("AttrNumber", 200, True),
        ),
        *_SMS,
    ),
    "36": (
        *_SN, Element("ServiceInfo.ServiceCode", 36, True),
        *_all(
            "Evaluates.Evaluate", Element("NodeName", 100, True), Element("Pf", 2, True, _of("3", "7")),
            Element("Alternate", 1, True, _of(*"12345")), Element("AppraisaID", 50, True), Element("Writingevalue", 1000),
            Element("AssessTime", 19, True, _past),
        ),
    ),
}  # fmt: skip


# --- what several elements must say together ---


def _proposer(body: Any) -> Iterator[str]:
    """One branch is filled, the other one empty throughout; certificate numbers have right check digits."""
    person, unit = body["Proposer"]["Person"], body["Proposer"]["Unit"]
    filled, empty = (person, unit) if body["Proposer"]["ApplyType"] == "0" else (unit, person)
    if not next(iter(filled.values())) or any(empty.values()):
        yield "申请人与申请人类型不符"
    if person["CertificateType"] == "SF" and not identity_is_valid(person["CertificateNumber"]):
        yield "申请人身份证号校验位错误"
    if unit["UnitIdcardType"] == "XYDM" and not credit_code_is_valid(unit["UnitCode"]):
        yield "统一社会信用代码校验位错误"
    if not body["ApasInfo"]["ServiceCode"].startswith(body["ApasInfo"]["ReceiveDeptCode"]):
        yield "事项编码不属于受理部门"


def _steps(body: Any) -> Iterator[str]:
    if body["Node"]["StartTime"] > body["Node"]["Modified"]:
        yield "环节办理时间早于开始时间"


def _named(body: Any) -> Iterator[str]:
    if body["Node"]["Name"] != _PAUSES[body["Node"]["Code"]]:
        yield "暂停环节的代码与名称不符"


def _begun(body: Any) -> Iterator[str]:
    if body["Node"]["SType"] != _PAUSE_KINDS[body["Node"]["Code"]]:
        yield "暂停环节与暂停种类不符"
    if body["Node"]["EndTime"] and body["Node"]["BeginTime"] > body["Node"]["EndTime"]:
        yield "暂停结束时间早于开始时间"


def _results(body: Any) -> Iterator[str]:
    info = body["ApasInfo"]
    if info["XkfileName"] and (info["Result"] != "Y" or not info["XkfileNum"]):
        yield "证照名称、编号与办结结果不符"
    if info["Result"] != "Y" and info["ProcessedOpinion"] == "无意见":
        yield "没有说明不予、退回的理由"


RULES: dict[str, tuple[Callable[[Any], Iterator[str]], ...]] = {
    "10": (_proposer,),
    "20": (_steps,),
    "21": (_named, _begun),
    "22": (_named,),
    "23": (_named,),
    "30": (_results,),
}
