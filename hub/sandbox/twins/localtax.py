"""Decides how the local tax bureau (地税) speaks the older `<interface>` dialect: base64 in XML in a string, 0000 or 9999.

Envelope: one string operation; the string is `<interface>` with globalInfo (appId … dataExchangeId), returnStateInfo (returnCode,
returnMessage) and Data (dataDescription: zipCode 1 = GZIP, encryptCode, codeType; content: base64). What is inside the content, its
names in capitals and its GBK are the sandbox's convention.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from lxml import etree

from hub.sandbox.caseload import Outcome, Progress
from hub.sandbox.farside import Ground
from hub.sandbox.faults import FaultPlan
from hub.sandbox.national import SKEW, moment, now
from hub.sandbox.office import Office
from hub.sandbox.twins.strings import Broken, Service, leaves, parse
from hub.sandbox.twins.taxcase import Dialect, Refused, TaxBureau, TaxDesk, since

PATH = "/services/TsmmsWebService"
NAMESPACE = "http://ws.localtax.dingxi.gov.cn/"
APPLICATION, US, THEM = "ZWDT", "621125", "DS"
CASE, PROGRESS, OUTCOME = "ZWDT1001", "ZWDT1002", "ZWDT1003"
REFUSED, TAKEN = "9999", "0000"
#: Content of more bytes is compressed in answers.
ZIPPED = 10 * 1024
MOST = 200
_GLOBAL = ("appId", "interfaceId", "interfaceCode", "requestCode", "requestTime", "responseCode", "dataExchangeId")
_DESCRIBED = ("zipCode", "encryptCode", "codeType")
_EXCHANGE = re.compile(rf"{US}(\d{{8}})[0-9a-f]{{32}}")
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_DECLARED = '<?xml version="1.0" encoding="GBK"?>'


def compact(text: str) -> datetime | None:
    """Return the time a text `yyyyMMddHHmmss` means, None for any other text."""
    if not re.fullmatch(r"\d{14}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - Beijing time, as all of the sandbox
    except ValueError:
        return None


class LocalTaxTwin(TaxBureau):
    """地税, until 2018 a system of its own."""

    name = "localtax"
    port = 6
    path = f"{PATH}?wsdl"
    service = Service(PATH, NAMESPACE, "doService", ("xml",))
    listings = (PROGRESS.encode(), OUTCOME.encode())
    office = Office("地税", ("受理审核", "税款核定", "完税办结"), "契税完税证", "DS")

    def __init__(self, *, plan: FaultPlan | None = None) -> None:
        super().__init__(TaxDesk(Dialect(str.upper, "gbk", 200, compact), {"": self.office}, "DS"), plan)
        self._interfaces: dict[str, Callable[[Mapping[str, str]], etree._Element]] = {
            CASE: self._case,
            PROGRESS: self._progress,
            OUTCOME: self._outcome,
        }

    @classmethod
    def on(cls, ground: Ground) -> LocalTaxTwin:
        """Build the system; it keeps what it holds in memory."""
        return cls(plan=ground.plan(cls.name))

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens."""
        return {"LOCALTAX_URL": address}

    def served(self, arguments: list[str]) -> str:
        """Return the `<interface>` that answers one."""
        head: dict[str, str] = {}
        try:
            content = self._opened(arguments[0], head)
            return written(head, TAKEN, "成功", self._done(head, content))
        except (Broken, Refused) as problem:
            self.desk.ledger.refuse(type(problem).__name__)
            return written(head, REFUSED, str(problem))

    def unearned(self, busy: bool) -> str:
        """Return what it says when it is busy, or refuses for no reason in the data."""
        return written({}, REFUSED, "系统繁忙，请稍后重试" if busy else "税务人员审核不通过")

    def _opened(self, text: str, head: dict[str, str]) -> etree._Element:
        """Return the root of the content, and fill `head`. Raises Broken for an envelope that breaks a rule."""
        root = parse(text)
        if root.tag != "interface" or not root.get("version") or [child.tag for child in root] != _PARTS:
            raise Broken("报文应由 globalInfo、returnStateInfo、Data 组成，并有 version")
        head.update(leaves(root[0]))
        self._admitted(head)
        if list(leaves(root[1])) != ["returnCode", "returnMessage"] or [child.tag for child in root[2]] != _DATA:
            raise Broken("returnStateInfo 或 Data 的内容格式错误")
        described = leaves(root[2][0])
        if tuple(described) != _DESCRIBED or described["encryptCode"] != "0" or described["codeType"] != "0":
            raise Broken("dataDescription 不符：不接受加密")
        return _unpacked(root[2][1].text or "", described["zipCode"])

    def _admitted(self, head: Mapping[str, str]) -> None:
        if tuple(head) != _GLOBAL:
            raise Broken(f"globalInfo 应依次为 {', '.join(_GLOBAL)}")
        if (head["appId"], head["requestCode"], head["responseCode"]) != (APPLICATION, US, THEM):
            raise Broken("接入方未授权：appId、requestCode 或 responseCode 不符")
        if head["interfaceCode"] not in self._interfaces:
            raise Broken("接口编码不存在")
        sent = moment(head["requestTime"])
        numbered = _EXCHANGE.fullmatch(head["dataExchangeId"])
        if sent is None or len(head["requestTime"]) != 19 or sent > now() + SKEW:
            raise Broken("requestTime 格式错误或晚于当前时间")
        if numbered is None or numbered[1] != f"{sent:%Y%m%d}":
            raise Broken("dataExchangeId 应为请求方编码、日期与流水号")

    def _done(self, head: Mapping[str, str], content: etree._Element) -> etree._Element:
        if content.tag != f"REQUEST_{head['interfaceCode']}":
            raise Broken("content 与接口编码不符")
        fields = leaves(content)
        first = self.desk.first(head["dataExchangeId"], (head["interfaceCode"], fields))
        if not first and head["interfaceCode"] != CASE:
            raise Broken("流水号重复")
        return self._interfaces[head["interfaceCode"]](fields)

    def _case(self, fields: Mapping[str, str]) -> etree._Element:
        receipt, duplicate = self.desk.take(CASE, fields)
        if duplicate:
            raise Refused(f"重复提交，受理序号 {receipt}")
        return _element(f"RESPONSE_{CASE}", {"SLXH": receipt})

    def _progress(self, fields: Mapping[str, str]) -> etree._Element:
        return _listed(PROGRESS, [_progressed(*one) for one in self.desk.cases.progress(since(fields.values()))[:MOST]])

    def _outcome(self, fields: Mapping[str, str]) -> etree._Element:
        return _listed(OUTCOME, [_ended(*one) for one in self.desk.cases.outcomes(since(fields.values()))[:MOST]])


_PARTS, _DATA = ["globalInfo", "returnStateInfo", "Data"], ["dataDescription", "content"]


def _unpacked(text: str, zipped: str) -> etree._Element:
    try:
        content = base64.b64decode(text, validate=True)
        if zipped not in ("0", "1") or (zipped == "1") is not content.startswith(b"\x1f\x8b"):
            raise Broken("zipCode 与 content 不符")
        plain = (gzip.decompress(content) if zipped == "1" else content).decode("gbk")
    except (binascii.Error, ValueError, OSError, EOFError, zlib.error):
        raise Broken("content 不是 BASE64 编码的 GBK 报文") from None
    if not plain.startswith(_DECLARED):
        raise Broken("content 应声明 GBK")
    return parse(plain)


def _listed(interface: str, rows: Sequence[Mapping[str, str]]) -> etree._Element:
    root = etree.Element(f"RESPONSE_{interface}")
    etree.SubElement(root, "ROWS").extend([_element("ROW", row) for row in rows])
    return root


def _element(name: str, fields: Mapping[str, str]) -> etree._Element:
    element = etree.Element(name)
    for field, value in fields.items():
        etree.SubElement(element, field).text = value
    return element


def _progressed(number: int, one: Progress) -> dict[str, str]:
    step = one.step
    row = {"XH": str(number), "BJBH": one.case, "HJXH": str(step.number), "HJMC": step.name, "SJRY": step.clerk}
    times = {"KSSJ": f"{step.start:%Y%m%d%H%M%S}", "JSSJ": f"{step.end:%Y%m%d%H%M%S}"}
    return row | {"HJZT": {"2": "10", "6": "90"}[step.action], "CLYJ": step.opinion} | times


def _ended(number: int, one: Outcome) -> dict[str, str]:
    result = one.result
    code = {"Y": "01", "N": "02", "T": "03"}[result.code]
    row = {"XH": str(number), "BJBH": one.case, "JGDM": code, "JGSM": result.words, "SJRY": result.clerk}
    return row | {"WSMC": result.certificate, "WSH": result.number, "BJSJ": f"{result.ended:%Y%m%d%H%M%S}"}


def written(head: Mapping[str, str], code: str, words: str, content: etree._Element | None = None) -> str:
    """Return an `<interface>` answer; content is compressed when it is large."""
    root = etree.Element("interface", nsmap={"xsi": _XSI}, version="WLFP1.0")
    root.append(_element("globalInfo", {name: head.get(name, "") for name in _GLOBAL}))
    root.append(_element("returnStateInfo", {"returnCode": code, "returnMessage": words}))
    raw = (
        b""
        if content is None
        else (_DECLARED + str(etree.tostring(content, encoding="unicode"))).encode("gbk", "xmlcharrefreplace")
    )
    zipped = len(raw) > ZIPPED
    data = etree.SubElement(root, "Data")
    data.append(_element("dataDescription", {"zipCode": "1" if zipped else "0", "encryptCode": "0", "codeType": "0"}))
    etree.SubElement(data, "content").text = base64.encodebytes(gzip.compress(raw) if zipped else raw).decode("ascii")
    return '<?xml version="1.0" encoding="UTF-8"?>' + str(etree.tostring(root, encoding="unicode"))
