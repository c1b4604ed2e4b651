"""Decides how a tax system speaks the `<service>` dialect of the core collection system (金税三期): taxML in CDATA in a string.

Envelope: `requestService("XML-NF", xml)`; the XML is `<service xmlns="http://www.chinatax.gov.cn/spec/">` with a head (tran_id,
channel_id, tran_seq, tran_date, tran_time, expand) and a body whose text is a taxML document of its own. An answer repeats the head
and adds rtn_code (0, or 9 for what does not comply) and rtn_msg (Code, Message, Reason); how the business went stands inside taxML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from lxml import etree

from hub.sandbox.caseload import Outcome, Progress
from hub.sandbox.farside import Ground
from hub.sandbox.faults import FaultPlan
from hub.sandbox.national import SKEW, now
from hub.sandbox.office import Office
from hub.sandbox.twins.strings import Broken, Service, leaves, parse
from hub.sandbox.twins.taxcase import Dialect, Refused, TaxBureau, TaxDesk, dashed, since

PATH = "/cxfservices/BondeService"
ENTRANCE, CHANNEL = "http://entrance.gate.bonde.servyou.com.cn/", "XML-NF"
SPEC, DATA = "http://www.chinatax.gov.cn/spec/", "http://www.chinatax.gov.cn/dataspec/"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
CASE, PROGRESS, OUTCOME = "SWZJ.HXZG.DJ.ZWDTBJSL", "SWZJ.HXZG.DJ.ZWDTBJJD", "SWZJ.HXZG.DJ.ZWDTBJJG"
#: What taxML is to call itself, by service.
TYPES = {CASE: "zwdtbjslRequest", PROGRESS: "zwdtbjjdRequest", OUTCOME: "zwdtbjjgRequest"}
#: Most rows of one listing.
MOST = 200
_DECLARED = '<?xml version="1.0" encoding="UTF-8"?>'
_HEAD = ("tran_id", "channel_id", "tran_seq", "tran_date", "tran_time")
_SEQUENCE = re.compile(r"[0-9a-f]{32}")


class Incompliant(Exception):
    """The message does not comply with the access rules: rtn_code 9 and this code. Quotes no value."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class TaxServiceTwin(TaxBureau):
    """A tax system behind `requestService`: takes cases, carries them on, lists steps and results by number."""

    path = f"{PATH}?wsdl"
    service = Service(PATH, ENTRANCE, "requestService", ("arg0", "arg1"))
    listings = (PROGRESS.encode(), OUTCOME.encode())
    letters: ClassVar[str]
    channel: ClassVar[str]
    offices: ClassVar[Mapping[str, Office]]  # by a word of the item's name; the last one for all others
    clerk: ClassVar[str]  # sjry
    organ: ClassVar[str]  # sjjg

    def __init__(self, *, identity: str = "49308fd2f75d46259450000000621125", plan: FaultPlan | None = None) -> None:
        super().__init__(TaxDesk(Dialect(str, "utf-8", 300, dashed), self.offices, self.letters), plan)
        self.identity = identity
        self._services: dict[str, Callable[[Mapping[str, str]], list[etree._Element]]] = {
            CASE: self._case,
            PROGRESS: self._progress,
            OUTCOME: self._outcome,
        }

    @classmethod
    def on(cls, ground: Ground) -> TaxServiceTwin:
        """Build the system; it keeps what it holds in memory."""
        return cls(plan=ground.plan(cls.name))

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens, and the identity that it lets in."""
        prefix = self.name.upper()
        return {f"{prefix}_URL": address, f"{prefix}_IDENTITY": self.identity}

    def served(self, arguments: list[str]) -> str:
        """Return the `<service>` that answers one."""
        channel, text = arguments
        if channel != CHANNEL:
            raise Broken("报文通道应为 XML-NF")
        return self._served(text)

    def unearned(self, busy: bool) -> str:
        """Return what it says when it is busy, or refuses for no reason in the data."""
        return (
            written({}, "9", "012", "系统繁忙，请稍后重试")
            if busy
            else written({}, "0", "000", "", judged("9", "税务人员审核不通过"))
        )

    def _served(self, text: str) -> str:
        head: dict[str, str] = {}
        try:
            tax = self._opened(text, head)
            return written(head, "0", "000", "", self._done(head, tax))
        except Incompliant as problem:
            self.desk.ledger.refuse(problem.code)
            return written(head, "9", problem.code, str(problem))
        except Broken as broken:
            self.desk.ledger.refuse("001")
            return written(head, "9", "001", str(broken))

    def _opened(self, text: str, head: dict[str, str]) -> etree._Element:
        """Return taxML, and fill `head`. Raises Incompliant or Broken for an envelope that breaks a rule."""
        if not text.startswith(_DECLARED):
            raise Incompliant("001", "报文应声明 UTF-8")
        service = parse(text)
        if service.tag != f"{{{SPEC}}}service" or [child.tag for child in service] != [f"{{{SPEC}}}head", f"{{{SPEC}}}body"]:
            raise Incompliant("001", "报文应由 service/head 与 service/body 组成")
        head.update(self._headed(service[0]))
        inside = service[1].text or ""
        if len(service[1]) or not inside.startswith(_DECLARED):
            raise Incompliant("001", "body 应是带声明的 taxML 文本")
        tax = parse(inside)
        named = all(tax.get(name) for name in ("xmlbh", "bbh", "xmlmc"))
        if tax.tag != f"{{{DATA}}}taxML" or tax.get(f"{{{XSI}}}type") != TYPES[head["tran_id"]] or not named:
            raise Incompliant("001", "taxML 的 xsi:type、xmlbh、bbh、xmlmc 不符")
        return tax

    def _headed(self, element: etree._Element) -> dict[str, str]:
        expands = [leaves(child, SPEC) for child in element if child.tag == f"{{{SPEC}}}expand"]
        plain = etree.Element("head")
        plain.extend([child for child in element if child.tag != f"{{{SPEC}}}expand"])
        head = leaves(plain, SPEC)
        if tuple(head) != _HEAD:
            raise Incompliant("001", f"head 应依次为 {', '.join(_HEAD)}")
        self._admitted(head, {one.get("name", ""): one.get("value", "") for one in expands})
        return head

    def _admitted(self, head: Mapping[str, str], expand: Mapping[str, str]) -> None:
        if head["tran_id"] not in self._services:
            raise Incompliant("003", "服务编码不存在")
        if head["channel_id"] != self.channel or expand.get("identityType") != self.identity:
            raise Incompliant("002", "渠道或身份未经授权")
        if (expand.get("sjry"), expand.get("sjjg")) != (self.clerk, self.organ) or len(expand) != 3:
            raise Incompliant("002", "税局人员或税局机关不符")
        if not _SEQUENCE.fullmatch(head["tran_seq"]):
            raise Incompliant("001", "tran_seq 应为32位")
        sent = _sent(head["tran_date"], head["tran_time"])
        if sent is None or sent > now() + SKEW:
            raise Incompliant("001", "tran_date、tran_time 格式错误或晚于当前时间")

    def _done(self, head: Mapping[str, str], tax: etree._Element) -> list[etree._Element]:
        fields = leaves(tax, DATA)
        try:
            if not self.desk.first(head["tran_seq"], (head["tran_id"], fields)) and head["tran_id"] != CASE:
                raise Incompliant("004", "流水号重复")
            return self._services[head["tran_id"]](fields)
        except Refused as refused:
            self.desk.ledger.refuse("business")
            return judged("9", str(refused))

    def _case(self, fields: Mapping[str, str]) -> list[etree._Element]:
        receipt, duplicate = self.desk.take(CASE, fields)
        return judged("2" if duplicate else "1", "重复提交" if duplicate else "受理成功", receipt)

    def _progress(self, fields: Mapping[str, str]) -> list[etree._Element]:
        return _listed("bjjd", [_progressed(*one) for one in self.desk.cases.progress(since(fields.values()))[:MOST]])

    def _outcome(self, fields: Mapping[str, str]) -> list[etree._Element]:
        return _listed("bjjg", [_ended(*one) for one in self.desk.cases.outcomes(since(fields.values()))[:MOST]])


def _sent(day: str, time: str) -> datetime | None:
    if not (re.fullmatch(r"\d{8}", day) and re.fullmatch(r"\d{9}", time)):
        return None
    try:
        return datetime.strptime(f"{day}{time}000", "%Y%m%d%H%M%S%f")  # noqa: DTZ007 - Beijing time, as all of the sandbox
    except ValueError:
        return None


def judged(code: str, words: str, receipt: str = "") -> list[etree._Element]:
    """Return what taxML says of a case: cljg 1 taken, 2 had it already, 9 sent back with words."""
    return [_leaf("cljg", code), _leaf("clyj", words), *([_leaf("slxh", receipt)] if receipt else [])]


def _listed(name: str, rows: Sequence[Mapping[str, str]]) -> list[etree._Element]:
    grid = etree.Element(f"{{{DATA}}}{name}Grid")
    for row in rows:
        etree.SubElement(grid, f"{{{DATA}}}{name}lb").extend([_leaf(field, value) for field, value in row.items()])
    return [grid]


def _progressed(number: int, one: Progress) -> dict[str, str]:
    step = one.step
    row = {"xh": str(number), "bjbh": one.case, "hjxh": str(step.number), "hjmc": step.name, "sjry": step.clerk}
    times = {"kssj": str(step.start), "jssj": str(step.end)}
    return row | {"hjzt": {"2": "1", "6": "9"}[step.action], "clyj": step.opinion} | times


def _ended(number: int, one: Outcome) -> dict[str, str]:
    result = one.result
    code = {"Y": "1", "N": "2", "T": "3"}[result.code]
    row = {"xh": str(number), "bjbh": one.case, "bljgDm": code, "bljgsm": result.words}
    return row | {"wsmc": result.certificate, "wsh": result.number, "sjry": result.clerk, "bjsj": str(result.ended)}


def _leaf(name: str, text: str) -> etree._Element:
    element = etree.Element(f"{{{DATA}}}{name}")
    element.text = text
    return element


def written(head: Mapping[str, str], code: str, subcode: str, words: str, content: Sequence[etree._Element] = ()) -> str:
    """Return a `<service>` answer: the head it was asked with, the return code, and taxML around `content` if there is any."""
    service = etree.Element(f"{{{SPEC}}}service", nsmap={None: SPEC})
    heading = etree.SubElement(service, f"{{{SPEC}}}head")
    for name in _HEAD:
        etree.SubElement(heading, f"{{{SPEC}}}{name}").text = head.get(name, "")
    etree.SubElement(heading, f"{{{SPEC}}}rtn_code").text = code
    message = etree.SubElement(heading, f"{{{SPEC}}}rtn_msg")
    for name, text in {"Code": subcode, "Message": "接入校验出错" if words else "", "Reason": words}.items():
        etree.SubElement(message, f"{{{SPEC}}}{name}").text = text
    body = etree.SubElement(service, f"{{{SPEC}}}body")
    if content:
        body.text = etree.CDATA(_DECLARED + _tax(head.get("tran_id", CASE), content))
    return _DECLARED + str(etree.tostring(service, encoding="unicode"))


def _tax(service: str, content: Sequence[etree._Element]) -> str:
    tax = etree.Element(f"{{{DATA}}}taxML", nsmap={None: DATA, "xsi": XSI})
    tax.set(f"{{{XSI}}}type", TYPES.get(service, TYPES[CASE]).replace("Request", "Response"))
    for name in ("xmlbh", "bbh", "xmlmc"):
        tax.set(name, "String")  # as real answers do
    tax.extend(list(content))
    return str(etree.tostring(tax, encoding="unicode"))
