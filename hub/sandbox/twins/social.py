"""Decides what the social-security sub-centre takes, and what it hands back: opinions, steps and results, listed by number.

Credentials and the function number stand in the header element `in:system`, fields in `<para name="value"/>` of `in:business`;
refusals come in `information`. Field lengths are those of the LD/T indicator codes, in bytes of GBK. Which functions there are, and
the names of what they list, are this sandbox's convention.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import cycle

from stdnum.cn import ric

from hub.sandbox.caseload import Caseload, Opinion, Outcome, Progress, Submission
from hub.sandbox.centre import SubCentre
from hub.sandbox.county import organisation_code
from hub.sandbox.farside import Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.fields import Field, unfit
from hub.sandbox.ledger import Ledger
from hub.sandbox.national import SKEW, credit_code_is_valid, identity_is_valid, moment, now
from hub.sandbox.office import Office
from hub.sandbox.twins.molss import MOLSS, PATH, YLZ, Broken, Call, business, description, fault, parse, result, resultset
from hub.sandbox.web import Answer, Request

INTAKE, QUERY, VERDICTS, PROGRESS, OUTCOME = "F10.01.01", "F10.01.02", "F10.01.03", "F10.01.04", "F10.01.05"
DUPLICATE = "重复提交"
DOUBT = "经办复核不通过，请核实参保信息"
#: Rows on one page of a list.
PAGE = 50
#: Its own codes for what the hall calls 2 已办, 3 退回, 6 办结, and Y 准予, N 不予, T 退件.
_STATES = {"2": "1", "3": "2", "6": "9"}
#: Its own codes for what a certificate is: 居民身份证, 统一社会信用代码, 组织机构代码.
_IDENTITY, _CREDIT, _ORGANISATION = "01", "51", "52"
_RESULTS = {"Y": "1", "N": "0", "T": "2"}


FIELDS = {
    "bjbh": Field("办件编号", 50, True),
    "sxbm": Field("事项编码", 36, True),
    "sxmc": Field("事项名称", 200, True),
    "aac003": Field("姓名", 64, True),
    "aaa029": Field("证件类型", 4, True, "01|08|51|52|99"),
    "aae135": Field("证件号码", 32, True),
    "aac002": Field("社会保障号码", 32),
    "aae005": Field("联系电话", 32),
    "aae006": Field("联系地址", 128),
    "slsj": Field("受理时间", 19, True),
    "bz": Field("备注", 500),
}


class Refused(Exception):
    """A business hint (`information`): the call was understood and is refused. Quotes no value."""


class SocialTwin(SubCentre):
    """The sub-centre's service: case intake, look-up by case number, and lists of opinions, steps and results."""

    name = "social"
    port = 2
    path = f"{PATH}?wsdl"

    def __init__(
        self, *, user: str = "zhangxian", password: str = "sandbox-social-secret", plan: FaultPlan | None = None, seed: int = 1
    ) -> None:
        super().__init__(Ledger("SB"), Caseload(), plan)
        self.user, self.password, self._seed = user, password, seed
        self._namespaces, self._counts = cycle((MOLSS, YLZ)), cycle(("row_count", "rowCount"))  # two builds answer in turn
        self._functions: dict[str, Callable[[Mapping[str, str], bool], str]] = {
            INTAKE: self._intake,
            QUERY: self._query,
            VERDICTS: self._verdicts,
            PROGRESS: self._progress,
            OUTCOME: self._outcomes,
        }

    @classmethod
    def on(cls, ground: Ground) -> SocialTwin:
        """Build the sub-centre; it keeps what it holds in memory."""
        return cls(plan=ground.plan(cls.name), seed=ground.seed)

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens, and the user it lets in."""
        return {"SOCIAL_URL": address, "SOCIAL_USER": self.user, "SOCIAL_PASSWORD": self.password}

    def came(self, request: Request) -> bool:
        """Count the request; what is no intake meets faults only if the plan says so."""
        self._ledger.count("requests")
        return request.method == "POST" and request.path == PATH and (self.plan.lookups or INTAKE.encode() in request.body)

    def answer(self, request: Request, fault_kind: FaultKind | None) -> Answer:
        """Judge one call."""
        if request.path != PATH:
            return Answer(404, b"not found", "text/plain")
        if request.method == "GET":
            return description(request)
        try:
            call = parse(request)
            self._log_in(call)
            function = self._functions[call.system["funid"]]
            return self._reply(function(call.business, fault_kind is FaultKind.LATE_REJECTION))
        except Refused as refused:
            self._ledger.refuse("information")
            return self._reply(result(information=str(refused)))
        except Broken as broken:
            self._ledger.refuse("fault")
            return fault(str(broken))

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Return a refusal the data did not earn."""
        if kind is FaultKind.SOAP_FAULT:
            return fault("系统内部错误")
        self._ledger.refuse("information")
        return self._reply(result(information="系统繁忙，请稍后重试" if kind is FaultKind.BUSY else "经办复核不通过"))

    def _reply(self, inner: str) -> Answer:
        return business(inner, next(self._namespaces))

    def _log_in(self, call: Call) -> None:
        if (call.system.get("usr"), call.system.get("pwd")) != (self.user, self.password):
            raise Broken("用户名或口令错误")
        if call.system.get("funid") not in self._functions:
            raise Broken("功能编号不存在")

    def _intake(self, fields: Mapping[str, str], late: bool) -> str:
        _check(fields)
        case, accepted = fields["bjbh"], moment(fields["slsj"])
        receipt, duplicate = self._ledger.take(INTAKE, case, fields)
        if not duplicate and accepted is not None:
            self._cases.take(Submission(case, "", _office(fields["sxmc"], self._seed), accepted, DOUBT if late else ""))
        return result(result=receipt) + (result(information=DUPLICATE) if duplicate else "")

    def _query(self, fields: Mapping[str, str], late: bool) -> str:
        """Look a case up by its number; every further field given must agree too."""
        found = self._ledger.find(INTAKE, fields.get("bjbh", ""))
        if found and any(found[0].get(name, "") != value for name, value in fields.items()):
            found = None
        rows = [{"bjbh": fields["bjbh"], "jsbh": found[1]}] if found else []
        return resultset("retrieve", rows) + self._count(rows)

    def _verdicts(self, fields: Mapping[str, str], late: bool) -> str:
        opinions = self._cases.opinions(_number(fields, "since"))
        return self._listed([_opinion_row(number, one) for number, one in opinions], fields)

    def _progress(self, fields: Mapping[str, str], late: bool) -> str:
        return self._listed([_progress_row(number, one) for number, one in self._cases.progress(_number(fields, "since"))], fields)

    def _outcomes(self, fields: Mapping[str, str], late: bool) -> str:
        return self._listed([_outcome_row(number, one) for number, one in self._cases.outcomes(_number(fields, "since"))], fields)

    def _listed(self, rows: list[dict[str, str]], fields: Mapping[str, str]) -> str:
        page = _number(fields, "page") or 1
        shown = rows[(page - 1) * PAGE : page * PAGE]
        return resultset("querylist", shown) + self._count(shown) + result(pages=str(max(1, -(-len(rows) // PAGE))))

    def _count(self, rows: list[dict[str, str]]) -> str:
        return result(**{next(self._counts): str(len(rows))})


def _office(item: str, seed: int) -> Office:
    """Return who handles an item, and how: a card is made, everything else is entered and reviewed."""
    if "社会保障卡" in item:
        return Office("social-card", ("业务初审", "制卡", "业务复核"), "社会保障卡", "SBK", seed)
    return Office("social", ("业务初审", "业务复核"), seed=seed)


def _opinion_row(number: int, one: Opinion) -> dict[str, str]:
    return {"xh": str(number), "bjbh": one.case, "shjg": "Y" if one.passed else "N", "shyj": one.words}


def _progress_row(number: int, one: Progress) -> dict[str, str]:
    step = one.step
    times = {"kssj": str(step.start), "jssj": str(step.end)}
    who = {"hjmc": step.name, "blzt": _STATES[step.action], "blr": step.clerk, "blyj": step.opinion}
    return {"xh": str(number), "bjbh": one.case, "bzxh": str(step.number), **who, **times}


def _outcome_row(number: int, one: Outcome) -> dict[str, str]:
    ended = one.result
    paper = {"zjmc": ended.certificate, "zjbh": ended.number}
    said = {"jbjg": _RESULTS[ended.code], "jgsm": ended.words, "blr": ended.clerk, "bjsj": str(ended.ended)}
    return {"xh": str(number), "bjbh": one.case, **said, **paper}


def _number(fields: Mapping[str, str], name: str) -> int:
    value = fields.get(name, "")
    return int(value) if value.isdecimal() else 0


def _eighteen(identity: str) -> str:
    """Return an identity number as it is written today: the old 15 digits get their century and check digit (GB 11643)."""
    if len(identity) != 15 or not identity.isdecimal():
        return identity
    longer = f"{identity[:6]}19{identity[6:]}"
    return longer + str(ric.calc_check_digit(longer + "0"))


def _organisation_is_valid(code: str) -> bool:
    plain = code.replace("-", "", 1)
    return re.fullmatch("[0-9A-Z]{8}[0-9X]", plain) is not None and organisation_code(plain[:8]) == plain


#: What a number must be, by its kind; of others nothing is known but that there is one.
_VALID: Mapping[str, Callable[[str], bool]] = {
    _IDENTITY: lambda number: identity_is_valid(_eighteen(number)),
    _CREDIT: credit_code_is_valid,
    _ORGANISATION: _organisation_is_valid,
}


def _check(fields: Mapping[str, str]) -> None:
    if words := unfit(fields, FIELDS):
        raise Refused(words)
    _check_numbers(fields)


def _check_numbers(fields: Mapping[str, str]) -> None:
    kind, number, security = fields["aaa029"], fields["aae135"], fields.get("aac002", "")
    if not _VALID.get(kind, bool)(number):
        raise Refused("aae135 证件号码与证件类型不符或校验位错误")
    if (kind == _IDENTITY or security[:1].isdecimal()) and not identity_is_valid(security):
        raise Refused("aac002 社会保障号码应为18位且校验位正确")
    if kind == _IDENTITY and security != _eighteen(number):
        raise Refused("aac002 社会保障号码与证件号码不符")
    accepted = moment(fields["slsj"])
    if accepted is None or accepted > now() + SKEW:
        raise Refused("slsj 受理时间格式错误或晚于当前时间")
