"""Decides what the traffic-police sub-centre takes, and what it hands back: opinions, steps and results, listed by number.

Its platform keeps GBK: a name it cannot write is refused. Which interfaces (jkid) there are beside the published pattern, and the
fields of a case, are this sandbox's convention; hphm, hpzl, clsbdh, jszh and dabh are the platform's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hub.sandbox.caseload import Caseload, Opinion, Outcome, Progress, Submission
from hub.sandbox.centre import SubCentre
from hub.sandbox.farside import Ground
from hub.sandbox.faults import FaultKind, FaultPlan
from hub.sandbox.fields import Field, unfit
from hub.sandbox.ledger import Ledger
from hub.sandbox.national import SKEW, credit_code_is_valid, identity_is_valid, moment, now
from hub.sandbox.office import Office
from hub.sandbox.twins.tmri import PATH, QUERY, WRITE, Broken, Call, Refused, fault, parse, reply
from hub.sandbox.web import Answer, Request

INTAKE, PROGRESS, OUTCOME, VERDICTS, LOOKUP = "64W02", "64C01", "64C02", "64C03", "64C04"
DUPLICATE, TAKEN = "数据重复，已存在", "写入成功"
DOUBT = "复核不通过，请核实联系电话"
#: Most rows of one answer.
MOST = 100
#: Its own codes for what the hall calls 2 已办, 3 退回, 6 办结, and Y 准予, N 不予, T 退件.
_STATES = {"2": "10", "3": "20", "6": "90"}
_RESULTS = {"Y": "BJ", "N": "BY", "T": "TB"}


FIELDS = {
    "bjbh": Field("办件编号", 50, True),
    "pch": Field("批次号", 32, True, r"\d+"),
    "sxbm": Field("事项编码", 36, True),
    "sxmc": Field("事项名称", 200, True),
    "xm": Field("申请人", 128, True),
    "sfzmmc": Field("身份证明名称", 1, True, "[A-N]"),
    "sfzmhm": Field("身份证明号码", 18, True),
    "lxdh": Field("联系电话", 20),
    "lxdz": Field("联系地址", 256),
    "slsj": Field("受理时间", 19, True),
    "hphm": Field("号牌号码", 15),
    "hpzl": Field("号牌种类", 2, pattern=r"\d{2}"),
    "clsbdh": Field("车辆识别代号", 17, pattern="[0-9A-HJ-NPR-Z]{17}"),
    "jszh": Field("驾驶证号", 18),
    "dabh": Field("档案编号", 12, pattern=r"\d{12}"),
    "bz": Field("备注", 500),
}


class PoliceTwin(SubCentre):
    """The sub-centre's service: cases are written, and everything else is asked for."""

    name = "police"
    port = 4
    path = PATH

    def __init__(self, *, serial: str = "sandbox-police-serial", plan: FaultPlan | None = None, seed: int = 1) -> None:
        super().__init__(Ledger("JJ"), Caseload(), plan)
        self.serial, self._seed = serial, seed
        self._interfaces: dict[str, tuple[str, Callable[[Mapping[str, str], bool], Answer]]] = {
            INTAKE: (WRITE, self._intake),
            PROGRESS: (QUERY, self._progress),
            OUTCOME: (QUERY, self._outcomes),
            VERDICTS: (QUERY, self._verdicts),
            LOOKUP: (QUERY, self._look_up),
        }

    @classmethod
    def on(cls, ground: Ground) -> PoliceTwin:
        """Build the sub-centre; it keeps what it holds in memory."""
        return cls(plan=ground.plan(cls.name), seed=ground.seed)

    def environment(self, address: str) -> dict[str, str]:
        """Return where it listens, and the serial number it gave out."""
        return {"POLICE_URL": address, "POLICE_SERIAL": self.serial}

    def came(self, request: Request) -> bool:
        """Count the request; questions meet faults only if the plan says so."""
        self._ledger.count("requests")
        return request.method == "POST" and request.path == PATH and (self.plan.lookups or WRITE.encode() in request.body)

    def answer(self, request: Request, fault_kind: FaultKind | None) -> Answer:
        """Judge one call."""
        if request.path != PATH or request.method != "POST":
            return Answer(404, b"not found", "text/plain")
        operation = WRITE if WRITE.encode() in request.body else QUERY
        try:
            call = parse(request)
            interface = self._known(call)
            return interface(call.fields, fault_kind is FaultKind.LATE_REJECTION)
        except Refused as refused:
            self._ledger.refuse("code")
            return reply(operation, "0", str(refused))
        except Broken as broken:
            self._ledger.refuse("fault")
            return fault(str(broken))

    def refusal(self, kind: FaultKind, request: Request) -> Answer:
        """Return a refusal the data did not earn."""
        if kind is FaultKind.SOAP_FAULT:
            return fault("java.lang.NullPointerException")
        self._ledger.refuse("code")
        return reply(WRITE, "0", "系统繁忙，请稍后重试" if kind is FaultKind.BUSY else "人工审核不通过")

    def _known(self, call: Call) -> Callable[[Mapping[str, str], bool], Answer]:
        """Check who calls, and return what the interface does."""
        given = call.parameters
        if given["jkxlh"] != self.serial:
            raise Refused("接口序列号错误")
        operation, interface = self._interfaces.get(given["jkid"], ("", None))
        if interface is None or given["xtlb"] != given["jkid"][:2]:
            raise Refused("接口标识不存在或与系统类别不符")
        if operation != call.operation:
            raise Refused("接口标识不能用于该方法")
        if not re.fullmatch(r"\d{12}", given["dwjgdm"]) or not given["yhbz"] or not given["zdbs"]:
            raise Refused("单位机构代码、用户标识、终端标识不能为空")
        return interface

    def _intake(self, fields: Mapping[str, str], late: bool) -> Answer:
        _check(fields)
        case, accepted = fields["bjbh"], moment(fields["slsj"])
        receipt, duplicate = self._ledger.take(INTAKE, case, fields)
        if not duplicate and accepted is not None:
            doubt = DOUBT if late else ""
            self._cases.take(Submission(case, fields["pch"], _office(fields["sxmc"], self._seed), accepted, doubt))
        return reply(WRITE, "1", DUPLICATE if duplicate else TAKEN, "case", [{"lsh": receipt}])

    def _look_up(self, fields: Mapping[str, str], late: bool) -> Answer:
        """Look a case up by its number and, if given, the batch it came in."""
        found = self._ledger.find(INTAKE, fields.get("bjbh", ""))
        if found and fields.get("pch", found[0]["pch"]) != found[0]["pch"]:
            found = None
        return reply(QUERY, "1", "", "case", [{"bjbh": fields["bjbh"], "lsh": found[1]}] if found else [])

    def _verdicts(self, fields: Mapping[str, str], late: bool) -> Answer:
        rows = [_opinion_row(number, one) for number, one in self._cases.opinions(_since(fields))[:MOST]]
        return reply(QUERY, "1", "", "opinion", rows)

    def _progress(self, fields: Mapping[str, str], late: bool) -> Answer:
        rows = [_progress_row(number, one) for number, one in self._cases.progress(_since(fields))[:MOST]]
        return reply(QUERY, "1", "", "progress", rows)

    def _outcomes(self, fields: Mapping[str, str], late: bool) -> Answer:
        rows = [_outcome_row(number, one) for number, one in self._cases.outcomes(_since(fields))[:MOST]]
        return reply(QUERY, "1", "", "outcome", rows)


def _office(item: str, seed: int) -> Office:
    """Return who handles an item, and how: drivers' papers are reviewed, vehicles are looked at."""
    if "驾驶证" in item:
        return Office("police-drivers", ("资料复核", "制证发证"), "机动车驾驶证", "JSZ", seed)
    return Office("police-vehicles", ("查验车辆", "资料复核", "核发牌证"), "机动车行驶证", "XSZ", seed)


def _opinion_row(number: int, one: Opinion) -> dict[str, str]:
    said = {"shjg": "1" if one.passed else "2", "shyj": one.words}
    return {"xh": str(number), "bjbh": one.case, "pch": one.batch, **said}


def _progress_row(number: int, one: Progress) -> dict[str, str]:
    step = one.step
    times = {"kssj": str(step.start), "jssj": str(step.end)}
    who = {"gwmc": step.name, "blzt": _STATES[step.action], "jbr": step.clerk, "blyj": step.opinion}
    return {"xh": str(number), "bjbh": one.case, "bzxh": str(step.number), **who, **times}


def _outcome_row(number: int, one: Outcome) -> dict[str, str]:
    """Return a result; what was issued is known by the platform's own numbers, here of plates and files that cannot exist."""
    ended, issued = one.result, {}
    if ended.number.startswith("JSZ"):
        issued = {"zjmc": ended.certificate, "dabh": f"0000{one.case[-8:]}"}
    elif ended.number:
        issued = {"zjmc": ended.certificate, "hphm": f"甘JO{one.case[-4:]}", "hpzl": "02"}
    said = {"bljg": _RESULTS[ended.code], "jgsm": ended.words, "jbr": ended.clerk, "bjsj": str(ended.ended)}
    return {"xh": str(number), "bjbh": one.case, **said, **issued}


def _since(fields: Mapping[str, str]) -> int:
    value = fields.get("xh", "")
    if not value.isdecimal():
        raise Refused("xh 序号应为数字")
    return int(value)


def _check(fields: Mapping[str, str]) -> None:
    if words := unfit(fields, FIELDS):
        raise Refused(words)
    kind, number = fields["sfzmmc"], fields["sfzmhm"]
    if (kind == "A" and not identity_is_valid(number)) or (kind == "N" and not credit_code_is_valid(number)):
        raise Refused("sfzmhm 身份证明号码校验位错误")
    accepted = moment(fields["slsj"])
    if accepted is None or accepted > now() + SKEW:
        raise Refused("slsj 受理时间格式错误或晚于当前时间")
