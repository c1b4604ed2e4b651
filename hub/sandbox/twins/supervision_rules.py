"""Decides what the supervision side (电子监察) finds wrong with a submission, and which warnings follow from what it was told.

Message names and positions are those of the published Fujian interface (`basicDataSubmit` 14, `logDataSubmit` 5,
`supervisionDataSubmit` 1); the positions of `warnDealFeedBack`, all lengths and the codes of refusal are this sandbox's own. The
rules of warning follow the published Jiangsu ones: A002 a step late, A004 a case late, A007 a case sent back.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from lxml import etree

from hub.sandbox.county import county
from hub.sandbox.national import SKEW, now
from hub.sandbox.worktime import is_workday

BASIC, LOG, SUPERVISION, REPLY = "basicDataSubmit", "logDataSubmit", "supervisionDataSubmit", "warnDealFeedBack"
#: What stands before the item code in a process id.
PREFIX = "ZXZW"
#: The numbers of the registered steps of every process: the hall's own, and those of the sub-centres.
STEPS = frozenset({*range(1, 21), *range(101, 131)})
#: Working days a warning may wait for its reply.
REPLY_DAYS = 5
YELLOW, RED = "1", "2"


@dataclass(frozen=True, slots=True)
class Position:
    """One position of a submission: most characters, whether it must be filled, and what it must look like."""

    title: str
    length: int
    mandatory: bool = False
    pattern: str = ""


def _one_of(*words: str) -> str:
    return "|".join(words)


_PAPERS = ("身份证", "护照", "统一社会信用代码", "组织机构代码", "其他")
_BODIES = ("企业", "个体工商户", "机关", "事业单位", "社会团体", "其他")
_NATURES = ("行政许可", "行政确认", "行政给付", "行政奖励", "行政裁决", "其他行政权力", "公共服务")
_COMPACT = r"\d{14}"
_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"

SHAPES: Mapping[str, tuple[Position, ...]] = {
    BASIC: (
        Position("事项名称", 1000, True),
        Position("部门", 100),
        Position("事项性质", 20, pattern=_one_of(*_NATURES)),
        Position("承诺期限", 20, pattern=r"\d{1,4}个工作日"),
        Position("办件标题", 1000),
        Position("办件类型", 20, pattern=_one_of("即办件", "承诺件", "联办件", "上报件")),
        Position("用户类型", 10, True, _one_of("个人用户", "企业用户")),
        Position("申请人", 100, True),
        Position("证件或机构类型", 20, True, _one_of(*_PAPERS, *_BODIES)),
        Position("证件号码", 64, True),
        Position("经办人", 100),
        Position("经办人电话", 32),
        Position("经办人证件类型", 20, pattern=_one_of(*_PAPERS)),
        Position("经办人证件号码", 64),
    ),
    LOG: (
        Position("时间", 14, True, _COMPACT),
        Position("经办人", 100),
        Position("办理动作", 10, True, _one_of("申请", "已审核", "退回", "办结")),
        Position("意见", 4000),
        Position("环节", 1000, True),
    ),
    SUPERVISION: (Position("时间", 19, True, _TIME),),
    REPLY: (
        Position("监察编号", 50, True),
        Position("回复内容", 1000, True),
        Position("回复人", 100, True),
        Position("回复时间", 19, True, _TIME),
    ),
}


class Refused(Exception):
    """A submission that is not taken: a code, and words that quote no value."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code} {words}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Submission:
    """One submission, its positions in order."""

    name: str
    transaction: str
    business: str
    process: str
    fields: tuple[str, ...]

    @property
    def moment(self) -> datetime:
        """When a logged step was done."""
        return datetime.fromisoformat(f"{self.fields[0][:8]}T{self.fields[0][8:]}")


@dataclass(frozen=True, slots=True)
class Alarm:
    """A warning (预警): `number` is its 监察编号, equal for equal causes."""

    number: str
    business: str
    process: str
    kind: str
    info: str
    reason: str


def positions(text: str) -> tuple[str, ...]:
    """Return the values of `<field_1>…</field_1><field_2>…` in order. Raises Refused 005 for anything else."""
    try:
        root = etree.fromstring(f"<r>{text}</r>".encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError):
        raise Refused("005", "过程数据不是 XML") from None
    if root.text:
        raise Refused("005", "位置之外有文字")
    for number, element in enumerate(root, start=1):
        if element.tag != f"field_{number}" or len(element) or element.attrib or element.tail:
            raise Refused("005", f"第{number}个位置应为 field_{number}")
    return tuple(element.text or "" for element in root)


class Register:
    """The processes that were registered with the supervision side (过程编码): those of the county's items."""

    def __init__(self, items: Iterable[str]) -> None:
        self.items = set(items)

    @classmethod
    def of_county(cls, seed: int) -> Register:
        """Return the register of the county of that seed."""
        return cls(item.task for item in county(seed).items)

    def item(self, process: str) -> str | None:
        """Return the item of a registered process, None for one nobody registered."""
        item, dot, step = process.removeprefix(PREFIX).partition(".")
        numbered = not dot or (step.isdecimal() and int(step) in STEPS and step == str(int(step)))
        return item if process.startswith(PREFIX) and item in self.items and numbered else None


def judge(one: Submission, register: Register, case: Callable[[str], str | None], warned: Callable[[str], str | None]) -> None:
    """Raise Refused for a submission that is wrong in itself or against what was told before.

    `case` gives the process id of a case whose basic data came, `warned` the case a 监察编号 was raised about.
    """
    if one.name not in SHAPES:
        raise Refused("008", "未知的消息类型")
    if not one.transaction or not one.business:
        raise Refused("005", "缺少业务流水号或业务编号")
    _shaped(one)
    item, stepped = register.item(one.process), "." in one.process
    if item is None:
        raise Refused("004", "过程编码未登记")
    if one.name == REPLY:
        return _answers(one, warned)
    if stepped is (one.name == BASIC):
        raise Refused("005", "基本信息用事项的过程编码，其余用环节的")
    if one.name != BASIC:
        _follows(item, register, case(one.business))
    return None


def _shaped(one: Submission) -> None:
    shape = SHAPES[one.name]
    if len(one.fields) != len(shape):
        raise Refused("005", f"应有{len(shape)}个位置")
    for number, (position, value) in enumerate(zip(shape, one.fields, strict=True), start=1):
        if not value.strip() and position.mandatory:
            raise Refused("005", f"field_{number} {position.title}不能为空")
        if len(value) > position.length:
            raise Refused("005", f"field_{number} {position.title}超过{position.length}个字符")
        if value and position.pattern and not re.fullmatch(position.pattern, value):
            raise Refused("005", f"field_{number} {position.title}不在约定之内")
        if value and position.pattern in (_COMPACT, _TIME) and not _past(value):
            raise Refused("005", f"field_{number} {position.title}不是时间或晚于当前时间")


def _past(value: str) -> bool:
    try:
        return datetime.fromisoformat(value if "-" in value else f"{value[:8]}T{value[8:]}") <= now() + SKEW
    except ValueError:
        return False


def _follows(item: str, register: Register, first: str | None) -> None:
    if first is None:
        raise Refused("007", "基本信息未到")
    if register.item(first) != item:
        raise Refused("005", "环节与办件不属于同一事项")


def _answers(one: Submission, warned: Callable[[str], str | None]) -> None:
    if warned(one.fields[0]) != one.business:
        raise Refused("005", "field_1 没有这一条预警，或不属于该办件")


# --- warnings ---


def warnings(submissions: Iterable[Submission]) -> list[Alarm]:
    """Return every warning that follows from these submissions, equal for equal ones."""
    promised: dict[str, int] = {}
    steps: dict[str, list[Submission]] = defaultdict(list)
    for one in submissions:
        if one.name == BASIC and one.fields[3]:
            promised[one.business] = int(one.fields[3].removesuffix("个工作日"))
        elif one.name == LOG:
            steps[one.business].append(one)
    found: list[Alarm] = []
    for business, logs in steps.items():
        logs.sort(key=lambda log: (log.fields[0], log.process))
        found += [_warning("A007", log, YELLOW, "办件被退回") for log in logs if log.fields[2] == "退回"]
        if business in promised:
            found += _late(logs, promised[business])
    return found


def _late(logs: list[Submission], days: int) -> list[Alarm]:
    """More than one working day late is yellow, more than two red."""
    late = [_warning("A002", log, YELLOW, "环节超过承诺期限") for before, log in pairwise(logs) if _between(before, log) > days + 1]
    over = _between(logs[0], logs[-1]) - days
    if logs[-1].fields[2] == "办结" and over > 1:
        late.append(_warning("A004", logs[-1], RED if over > 2 else YELLOW, "办件超过承诺期限"))
    return late


def _between(first: Submission, last: Submission) -> int:
    """Count the working days after the day of `first`, up to that of `last`."""
    day, end, count = first.moment.date(), last.moment.date(), 0
    while day < end:
        day += timedelta(days=1)
        count += is_workday(day)
    return count


def _warning(rule: str, log: Submission, kind: str, info: str) -> Alarm:
    number = hashlib.sha256(f"{rule} {log.business} {log.process} {log.transaction}".encode()).hexdigest()[:18]
    return Alarm(f"JC{number}", log.business, log.process, kind, info, f"{rule}：{log.fields[4][:100]}")


def reply_by(day: date) -> str:
    """Return the last day for a reply to a warning raised on `day`, `yyyyMMdd`."""
    left = REPLY_DAYS
    while left:
        day += timedelta(days=1)
        left -= is_workday(day)
    return f"{day:%Y%m%d}"
