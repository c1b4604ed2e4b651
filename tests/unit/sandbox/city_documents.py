"""Documents of the city platform as they should be, for tests that spoil them."""

from __future__ import annotations

from typing import Any

from lxml import etree

from hub.sandbox.twins import city_down

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
_SAID = {"SName": "听证", "ProcessedUser": "", "ProcessedTime": "2016-12-02 09:00:00", "ProcessedOpinion": "同意"}
_OPEN = {"SType": "2", "Reason": "需听证", "BeginTime": "2016-12-02 09:00:00", "EndTime": "", "PromiseEndTime": "2070-01-01"}
PAUSE = {
    "21": {"ApasInfo": {"SN": SN}, "Node": {"NodeGuid": "G1", "Code": "3", "Name": "特殊环节开始", **_SAID, **_OPEN}, "Attrs": ""},
    "22": {"ApasInfo": {"SN": SN, "Type": "1"}, "Node": {"NodeGuid": "G1", "Code": "2", "Name": "补件结束", **_SAID}, "Attrs": ""},
    "23": {
        "ApasInfo": {"SN": SN},
        "Node": {"NodeGuid": "G1", "Code": "4", "Name": "特殊环节结束", **_SAID, "ActualTime": "2016-12-05 10:00:00"},
        "Attrs": "",
    },
}
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
