"""Decides what every tax system of the county asks of a case that the hall sends it, and what becomes of the case there.

Field names and lengths are those of the core collection system (金税三期): nsrsbh 20, nsrmc 300, zjzlDm 3, zjhm 30, xm 150, in
bytes as Oracle counts them; the hall's own fields are the sandbox's convention.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from hub.sandbox.caseload import Caseload, Submission
from hub.sandbox.centre import SubCentre
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.ledger import Ledger
from hub.sandbox.national import SKEW, credit_code_is_valid, identity_is_valid, moment, now
from hub.sandbox.office import Office
from hub.sandbox.twins.strings import Broken, Service, fault
from hub.sandbox.web import Answer, Request

#: Kinds of certificate the tax systems know (DM_GY_SFZJLX): organisation code, licence, identity card, Chinese passport, others.
PAPERS = frozenset({"101", "102", "201", "227", "299"})
IDENTITY, LICENCE = "201", "102"


class Refused(Exception):
    """The case is understood and not taken. Quotes no value."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: most bytes, and whether it must be there."""

    name: str
    title: str
    length: int
    mandatory: bool = False


FIELDS = (
    Field("bjbh", "办件编号", 50, True),
    Field("sxbm", "事项编码", 36, True),
    Field("sxmc", "事项名称", 300, True),
    Field("nsrsbh", "纳税人识别号", 20),
    Field("nsrmc", "纳税人名称", 300, True),
    Field("zjzlDm", "证件种类代码", 3, True),
    Field("zjhm", "证件号码", 30, True),
    Field("xm", "经办人姓名", 150),
    Field("lxdh", "联系电话", 30),
    Field("slsj", "受理时间", 19, True),
    Field("bz", "备注", 500),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one system writes a case: its names for the fields, its encoding, how long a name may be, and how it writes a time."""

    named: Callable[[str], str]
    encoding: str
    name: int  # most bytes of a taxpayer's name
    time: Callable[[str], Any]  # text -> datetime or None


class TaxDesk:
    """The people who take cases in and carry them on. `letters` number their receipts."""

    def __init__(self, dialect: Dialect, offices: Mapping[str, Office], letters: str) -> None:
        self._dialect = dialect
        self._offices = offices
        self.ledger = Ledger(letters)
        self.cases = Caseload()
        self._sequences: dict[str, object] = {}

    def first(self, sequence: str, content: object) -> bool:
        """Note a sequence number; False when the same message came with it before. Raises Refused when another one did."""
        before = self._sequences.setdefault(sequence, content)
        if before != content:
            raise Refused("流水号已被其他报文使用")
        return before is content

    def take(self, endpoint: str, fields: Mapping[str, str]) -> tuple[str, bool]:
        """Take a case in; returns its receipt and whether exactly this was held already. Raises Refused."""
        self._check(fields)
        named = self._dialect.named
        accepted, case = self._dialect.time(fields[named("slsj")]), fields[named("bjbh")]
        receipt, duplicate = self.ledger.take(endpoint, case, dict(fields))
        if not duplicate:
            self.cases.take(Submission(case, "", self._office(fields[named("sxmc")]), accepted))
        return receipt, duplicate

    def _office(self, item: str) -> Office:
        """Return who carries out an item: the first office whose words are in its name; "" is in every name."""
        return next(office for words, office in self._offices.items() if words in item)

    def _check(self, fields: Mapping[str, str]) -> None:
        known = {self._dialect.named(field.name): field for field in FIELDS}
        for name in fields:
            if name not in known:
                raise Refused(f"未定义的数据项 {name[:30]}")
        for name, field in known.items():
            self._fits(name, field, fields.get(name, ""))
        _true({field.name: fields.get(name, "") for name, field in known.items()}, self._dialect)

    def _fits(self, name: str, field: Field, value: str) -> None:
        if not value and field.mandatory:
            raise Refused(f"{name} {field.title}不能为空")
        length = self._dialect.name if field.name == "nsrmc" else field.length
        if len(value.encode(self._dialect.encoding)) > length:
            raise Refused(f"{name} {field.title}超过{length}个字节")


class TaxBureau(SubCentre):
    """A tax system of the county: one string operation behind which cases are taken, and steps and results listed by number.

    `service` is where and how it is called, `listings` are the words by which a call that only asks is told.
    """

    service: ClassVar[Service]
    listings: ClassVar[tuple[bytes, ...]]

    def __init__(self, desk: TaxDesk, plan: FaultPlan | None) -> None:
        super().__init__(desk.ledger, desk.cases, plan)
        self.desk = desk

    def came(self, request: Request) -> bool:
        """Count the request; listings meet faults only if the plan says so."""
        self.desk.ledger.count("requests")
        listing = any(word in request.body for word in self.listings)
        return request.method == "POST" and request.path == self.service.path and (self.plan.lookups or not listing)

    def answer(self, request: Request, fault_kind: FaultKind | None) -> Answer:
        """Judge one call."""
        if request.path != self.service.path:
            return Answer(404, b"not found", "text/plain")
        if request.method == "GET":
            return self.service.described(request)
        try:
            return self.service.answered(self.served(self.service.called(request)))
        except Broken as broken:
            self.desk.ledger.refuse("fault")
            return fault(str(broken))

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Return a refusal the data did not earn."""
        if kind is FaultKind.SOAP_FAULT:
            return fault("系统内部错误")
        self.desk.ledger.refuse("unearned")
        return self.service.answered(self.unearned(kind is FaultKind.BUSY))

    def served(self, arguments: list[str]) -> str:
        """Return the answer to a call. Raises Broken for an envelope that is none."""
        raise NotImplementedError

    def unearned(self, busy: bool) -> str:
        """Return the answer of a system that is busy, or refuses for no reason in the data."""
        raise NotImplementedError


def _true(fields: Mapping[str, str], dialect: Dialect) -> None:
    named = dialect.named
    if fields["zjzlDm"] not in PAPERS:
        raise Refused(f"{named('zjzlDm')} 证件种类代码不存在")
    if fields["zjzlDm"] == IDENTITY and not identity_is_valid(fields["zjhm"]):
        raise Refused(f"{named('zjhm')} 居民身份证号码校验位错误")
    if fields["zjzlDm"] == LICENCE and not credit_code_is_valid(fields["zjhm"]):
        raise Refused(f"{named('zjhm')} 统一社会信用代码校验位错误")
    if fields["nsrsbh"] and not credit_code_is_valid(fields["nsrsbh"]):
        raise Refused(f"{named('nsrsbh')} 纳税人识别号校验位错误")
    accepted = dialect.time(fields["slsj"])
    if accepted is None or accepted > now() + SKEW:
        raise Refused(f"{named('slsj')} 受理时间格式错误或晚于当前时间")


def dashed(text: str) -> Any:
    """Return the time a text `yyyy-MM-dd HH:mm:ss` means, None for any other text."""
    return moment(text) if len(text) == 19 else None


def since(texts: Iterable[str]) -> int:
    """Return the number behind which a listing begins that is asked for from a number on; anything else: from the beginning."""
    return max(next((int(text) for text in texts if text.isdecimal()), 0) - 1, 0)
