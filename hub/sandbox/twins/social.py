"""Decides what the social-security sub-centre takes: the molss SOAP dialect in GBK, rows as attributes, refusals in `information`.

SOAP 1.1. Credentials and the function number stand in the header element `in:system`, fields in `<para name="value"/>` of
`in:business`; answers are `<result …/>` elements. Field lengths are those of the LD/T indicator codes, in bytes of
GBK.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from lxml import etree

from hub.sandbox.farside import FarSide, Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.ledger import Held, Ledger, Rejection
from hub.sandbox.national import SKEW, identity_is_valid, moment, now
from hub.sandbox.twins.wsdl import WSDL
from hub.sandbox.web import Answer, Request

PATH = "/services/business"
INTAKE, QUERY, VERDICTS = "F10.01.01", "F10.01.02", "F10.01.03"
MOLSS = "http://www.molss.gov.cn/"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
DUPLICATE = "重复提交"
_XML = "text/xml; charset=GBK"
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding\s*=\s*["']([A-Za-z0-9_-]+)["']""")
_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9_-]+)")
#: Its values were written by people who meant GB 18030.
_CHINESE = frozenset({"gbk", "gb2312", "gb18030", "cp936"})


@dataclass(frozen=True, slots=True)
class Field:
    """One field: most bytes in GBK, and whether it must be there."""

    title: str
    length: int
    mandatory: bool = False


FIELDS = {
    "bjbh": Field("办件编号", 50, True),
    "sxbm": Field("事项编码", 36, True),
    "sxmc": Field("事项名称", 200, True),
    "aac003": Field("姓名", 64, True),
    "aae135": Field("证件号码", 32, True),
    "aac002": Field("社会保障号码", 32),
    "aae005": Field("联系电话", 32),
    "aae006": Field("联系地址", 128),
    "slsj": Field("受理时间", 19, True),
    "bz": Field("备注", 500),
}


class Refused(Exception):
    """A business hint (`information`): the call was understood and is refused. Quotes no value."""


class Broken(Exception):
    """A SOAP fault: credentials, function number or envelope are wrong."""


@dataclass(frozen=True, slots=True)
class _Call:
    system: Mapping[str, str]
    business: Mapping[str, str]


class SocialTwin(FarSide):
    """The sub-centre's service: case intake, look-up by case number, and late verdicts."""

    name = "social"
    port = 2
    path = f"{PATH}?wsdl"

    def __init__(self, *, user: str = "zhangxian", password: str = "sandbox-social-secret", plan: FaultPlan | None = None) -> None:
        self.user, self.password = user, password
        self.plan = plan or FaultPlan()
        self._ledger = Ledger("SB")
        self._functions: dict[str, Callable[[Mapping[str, str], bool], str]] = {
            INTAKE: self._intake,
            QUERY: self._query,
            VERDICTS: self._verdicts,
        }

    @classmethod
    def on(cls, ground: Ground) -> SocialTwin:
        """Build the sub-centre; it keeps what it holds in memory."""
        return cls(plan=ground.plan(cls.name))

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens, and the user it lets in."""
        return {"SOCIAL_URL": address, "SOCIAL_USER": self.user, "SOCIAL_PASSWORD": self.password}

    def held(self) -> list[Held]:
        """Return every row held; endpoint is the function number, row the case number."""
        return self._ledger.held()

    def stats(self) -> dict[str, Any]:
        """Return the counts so far."""
        return self._ledger.stats() | {"faults": self.plan.thrown()}

    def came(self, request: Request) -> bool:
        """Count the request; look-ups meet faults only if the plan says so."""
        self._ledger.count("requests")
        lookup = QUERY.encode() in request.body or VERDICTS.encode() in request.body
        return request.method == "POST" and request.path == PATH and (self.plan.lookups or not lookup)

    def answer(self, request: Request, fault: FaultKind | None) -> Answer:
        """Judge one call."""
        if request.path != PATH:
            return Answer(404, b"not found", "text/plain")
        if request.method == "GET":
            return _wsdl(request)
        try:
            call = _parse(request)
            self._log_in(call)
            function = self._functions[call.system["funid"]]
            return _business(function(call.business, fault is FaultKind.LATE_REJECTION))
        except Refused as refused:
            self._ledger.refuse("information")
            return _business(_result(information=str(refused)))
        except Broken as broken:
            self._ledger.refuse("fault")
            return _fault(str(broken))

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Return a refusal the data did not earn."""
        if kind is FaultKind.SOAP_FAULT:
            return _fault("系统内部错误")
        self._ledger.refuse("information")
        return _business(_result(information="系统繁忙，请稍后重试" if kind is FaultKind.BUSY else "经办复核不通过"))

    def _log_in(self, call: _Call) -> None:
        if (call.system.get("usr"), call.system.get("pwd")) != (self.user, self.password):
            raise Broken("用户名或口令错误")
        if call.system.get("funid") not in self._functions:
            raise Broken("功能编号不存在")

    def _intake(self, fields: Mapping[str, str], late: bool) -> str:
        _check(fields)
        case = fields["bjbh"]
        receipt, duplicate = self._ledger.take(INTAKE, case, fields)
        if late and not duplicate:
            self._ledger.reject_later(Rejection(INTAKE, case, "", "经办复核不通过，请核实参保信息"))
        return _result(result=receipt) + (_result(information=DUPLICATE) if duplicate else "")

    def _query(self, fields: Mapping[str, str], late: bool) -> str:
        """Look a case up by its number; every further field given must agree too."""
        found = self._ledger.find(INTAKE, fields.get("bjbh", ""))
        if found and any(found[0].get(name, "") != value for name, value in fields.items()):
            found = None
        row = f"<row bjbh={quoteattr(fields['bjbh'])} jsbh={quoteattr(found[1])}/>" if found else ""
        return f'<resultset name="retrieve">{row}</resultset><result row_count="{1 if found else 0}"/>'

    def _verdicts(self, fields: Mapping[str, str], late: bool) -> str:
        start = fields.get("since", "")
        since = int(start) if start.isdecimal() else 0
        found = self._ledger.rejections(since)[:500]
        rows = "".join(
            f'<row xh="{number}" bjbh={quoteattr(one.row)} shjg="N" shyj={quoteattr(one.reason)}/>'
            for number, one in enumerate(found, start=since + 1)
        )
        return f'<resultset name="querylist">{rows}</resultset><result row_count="{len(found)}"/>'


def _check(fields: Mapping[str, str]) -> None:
    for name in fields:
        if name not in FIELDS:
            raise Refused(f"未定义的字段 {name[:30]}")
    for name, field in FIELDS.items():
        value = fields.get(name, "")
        if not value and field.mandatory:
            raise Refused(f"{name} {field.title}不能为空")
        try:
            size = len(value.encode("gbk"))
        except UnicodeEncodeError:
            raise Refused(f"{name} {field.title}含有无法识别的字符") from None
        if size > field.length:
            raise Refused(f"{name} {field.title}超过{field.length}个字节")
    _check_numbers(fields)


def _check_numbers(fields: Mapping[str, str]) -> None:
    security = fields.get("aac002", "")
    if len(fields["aae135"]) == 18 and not identity_is_valid(fields["aae135"]):
        raise Refused("aae135 证件号码校验位错误")
    if security[:1].isdecimal() and not identity_is_valid(security):
        raise Refused("aac002 社会保障号码应为18位且校验位正确")
    accepted = moment(fields["slsj"])
    if accepted is None or accepted > now() + SKEW:
        raise Refused("slsj 受理时间格式错误或晚于当前时间")


def _parse(request: Request) -> _Call:
    try:
        root = etree.fromstring(_unicode(request), _parser())
    except (etree.XMLSyntaxError, UnicodeError, LookupError):
        raise Broken("报文无法解析") from None
    if root.getroottree().docinfo.doctype:
        raise Broken("报文不得包含 DTD")
    if root.tag != f"{{{SOAP}}}Envelope":
        raise Broken("不是 SOAP 1.1 报文")
    header, body = root.find(f"{{{SOAP}}}Header/{{{MOLSS}}}system"), root.find(f"{{{SOAP}}}Body/{{{MOLSS}}}business")
    if header is None or body is None:
        raise Broken("缺少 in:system 或 in:business")
    return _Call(_paras(header), _paras(body))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8")


def _unicode(request: Request) -> bytes:
    """Return the body as UTF-8: the declaration inside says its charset, else the Content-Type does."""
    declared = _DECLARED.match(request.body.lstrip()[:200])
    outer = _CHARSET.search(request.headers.get("content-type", ""))
    name = (declared[1].decode() if declared else outer[1] if outer else "utf-8").lower()
    return request.body.decode("gb18030" if name in _CHINESE else name).encode()


def _paras(element: etree._Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for child in element:
        if not isinstance(child.tag, str) or etree.QName(child).localname != "para":
            raise Broken("只允许 para 元素")
        found |= {str(name): str(value) for name, value in child.attrib.items()}
    return found


def _result(**attributes: str) -> str:
    return "<result " + " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items()) + "/>"


def _envelope(body: str, status: int) -> Answer:
    text = f'<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'
    return Answer(status, f'<?xml version="1.0" encoding="GBK"?>{text}'.encode("gbk", "xmlcharrefreplace"), _XML)


def _business(inner: str) -> Answer:
    return _envelope(f'<out:business xmlns:out="{MOLSS}">{inner}</out:business>', 200)


def _fault(message: str) -> Answer:
    error = f"<faultstring><error msg={quoteattr(message)}/></faultstring>"
    return _envelope(f"<soap:Fault><faultcode>soap:Server</faultcode>{error}</soap:Fault>", 500)


def _wsdl(request: Request) -> Answer:
    address = f"http://{request.headers.get('host', '127.0.0.1')}{PATH}"
    return Answer(200, WSDL.replace("ADDRESS", address).encode(), "text/xml; charset=utf-8")
