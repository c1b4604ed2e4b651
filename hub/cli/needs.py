"""Decides what an operator must know now: what is stuck, why, whom to ask, and the one command that mends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING

from hub.cli import causes, contacts, looking, words
from hub.cli.lang import say
from hub.model import FAILED, Circuit, State
from hub.store.causes import folded

if TYPE_CHECKING:
    from hub.cli.standing import Line
    from hub.store.groups import DeadGroup

#: A hub that works empties what is due in seconds; what is owed longer than this, and waits for nothing, is stuck.
OVERDUE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing. `word`: how its system stands; `waits`: the hub goes on by itself, and nobody must do anything here."""

    system: str
    word: str
    what: str
    why: str
    command: str
    contact: str = ""
    waits: bool = False

    def line(self) -> str:
        """Return it as one line for people."""
        why = say(f"（{self.why}）", f" ({self.why})") if self.why else ""
        contact = f"  {say('联系', 'contact')}: {self.contact}" if self.contact else ""
        return f"{self.system}: {self.what}{why} → {self.command}{contact}"


def of(lines: Sequence[Line], holder: str | None, strangers: Mapping[str, int], zone: tzinfo) -> list[Need]:
    """Return everything that is stuck, what needs a person before what waits for a far side.

    `strangers`: how many deliveries are open for systems that are no longer configured.
    """
    found = [*_unserved(lines, holder), *_unknown(strangers), *(need for line in lines for need in _line(line, holder, zone))]
    return sorted(found, key=lambda need: need.waits)


def _unserved(lines: Sequence[Line], holder: str | None) -> Iterator[Need]:
    pending = sum(line.count(State.PENDING) for line in lines)
    if pending and holder is None:
        what = say(f"{pending} 条待发，但没有中枢在运行", f"{pending} pending, and no hub is at work")
        yield Need("hub", say("没有运行", "not at work"), what, "", "hub serve")


def _unknown(strangers: Mapping[str, int]) -> Iterator[Need]:
    for name, number in sorted(strangers.items()):
        left = f"{words.counted(number, 'delivery', 'deliveries')} {words.are(number)}"
        what = say(f"配置中已没有这个系统，库中还有它的 {number} 条", f"is no longer configured, {left} left for it")
        yield Need(
            name,
            say("没有配置", "unknown"),
            what,
            "",
            say(
                f"恢复 config/systems/{name}.yaml 就接着送；或 hub orphans cancel {name} --reason 说明",
                f"restore config/systems/{name}.yaml and they go on; or hub orphans cancel {name} --reason WHY",
            ),
        )


def _line(line: Line, holder: str | None, zone: tzinfo) -> Iterator[Need]:
    yield from _standing(line, zone)
    yield from _unreadable(line, zone)
    yield from _short(line)
    yield from _broken(line)
    yield from _people(line)
    yield from _unheard(line, zone)
    yield from _parked(line)
    yield from _retrying(line)
    yield from _overdue(line, holder)


def _standing(line: Line, zone: tzinfo) -> Iterator[Need]:
    name, standing = line.system.name, line.standing
    why = f"{standing.code or ''} {causes.said(standing.code, standing.reason)}".strip()
    if standing.paused and standing.code:  # the hub did it: the set-up is wrong
        what = say("因设置有误自动暂停，记录未受损", "paused by itself: the set-up is wrong, its records are spared")
        yield Need(name, line.reach(), what, why, f"hub check --live {name} && hub resume {name}", line.system.contact)
    elif standing.paused:
        since = looking.when(standing.changed_at, zone)
        what = say(f"由 {standing.paused_by} 于 {since} 暂停", f"paused by {standing.paused_by} at {since}")
        yield Need(name, line.reach(), what, why, f"hub resume {name}")
    else:
        yield from _waiting(line, why, zone)


def _waiting(line: Line, why: str, zone: tzinfo) -> Iterator[Need]:
    """Tell what a far side is waited for with: that it is up again, that it opens, that it may be called again."""
    name, standing, contact = line.system.name, line.standing, line.system.contact
    circuit = standing.circuit(line.now)
    if circuit is Circuit.OPEN or (circuit is Circuit.HALF_OPEN and line.count(State.PENDING)):
        since, until = (looking.when(at, zone) for at in (standing.down_since or standing.changed_at, standing.rest_until))
        what = say(
            f"对方不可用，{since} 起熔断，{until} 起用一条试探",
            f"the target is down since {since}; probed with one from {until} on",
        )
        # a login may go well while every message fails: what could not be sent says more
        command = _look(line) if line.count(State.PENDING) else f"hub check --live {name}"
        yield Need(name, line.reach(), what, why, command, contact, waits=True)
    elif not standing.open_at(line.now):
        until = looking.when(standing.rest_until, zone)
        what = say(f"对方要求稍后再来，{until} 继续", f"told to come back later; goes on at {until}")
        yield Need(name, line.reach(), what, why, _look(line), contact, waits=True)
    if not line.count(State.PENDING):
        return
    if line.closed:
        until = looking.when(line.closed.until, zone)
        shut = (
            say("维护时间", "under maintenance") if line.closed.why == "maintenance" else say("不在开放时间", "outside its hours")
        )
        yield Need(name, line.reach(), say(f"{shut}，{until} 开门", f"{shut}, opens at {until}"), "", _look(line), waits=True)
    elif line.spent_until:
        until = looking.when(line.spent_until, zone)
        what = say(f"已到限速上限，{until} 继续", f"its rate is used up; goes on at {until}")
        yield Need(name, line.reach(), what, "", _look(line), waits=True)


def _look(line: Line) -> str:
    """Return the command that lists what is pending for a system."""
    return f"hub hold list --pending --system {line.system.name}"


def _unreadable(line: Line, zone: tzinfo) -> Iterator[Need]:
    last, name = line.last, line.system.name
    if last is None or not last.failed:
        return
    at, why = looking.when(last.ended_at, zone), f"{last.code} {causes.said(last.code, last.reason)}"
    if last.trigger.value == "push":
        what = say(
            f"{at} 的推送读不懂，没有收下；请对方改好再推", f"its push at {at} was not taken; it must be mended and pushed again"
        )
        yield Need(name, line.reach(), what, why, f"hub runs --source {name}", line.system.contact)
    else:
        what = say(f"{at} 读取失败，下次从断点续读", f"could not be read at {at}; the next run resumes there")
        yield Need(name, line.reach(), what, why, f"hub check --live {name} && hub sync {name}", line.system.contact)


def _short(line: Line) -> Iterator[Need]:
    """Tell which feeds give less than expected: a source that gives nothing breaks without an error."""
    name = line.system.name
    for one in line.short:
        yield Need(name, say("来数不足", "short"), words.short(one), "HUB-S-191", f"hub runs --source {name}", line.system.contact)


def _broken(line: Line) -> Iterator[Need]:
    if line.last and not line.adds_up:
        what = say(f"运行 {line.last.id} 的账不平", f"the account of run {line.last.id} does not add up")
        command = f"hub runs --audit --source {line.system.name}"
        yield Need(line.system.name, say("账不平", "does not add up"), what, "HUB-E-132", command)


def _unheard(line: Line, zone: tzinfo) -> Iterator[Need]:
    """Tell that a poll for later verdicts failed, when, and when the hub asks again: until then this stays, mended or not."""
    told, every = line.unheard, line.system.feedback_every
    if told is None or every is None:
        return
    last, after = looking.when(told.at, zone), looking.when(told.at + every, zone)
    what = say(
        f"{last} 轮询时，对方的核查结论没有全部取到；下次轮询（{after}）再取",
        f"not all later verdicts could be read at {last}; the next poll, due at {after}, tries again",
    )
    name, word, why = line.system.name, say("核查未取到", "unheard"), f"{told.code} {causes.said(told.code, told.message)}"
    yield Need(name, word, what, why, f"hub check --live {name}", line.system.contact)


def _people(line: Line) -> Iterator[Need]:
    ours, theirs = (
        [one for one in line.dead if contacts.ours(one.stage)],
        [one for one in line.dead if not contacts.ours(one.stage)],
    )
    if ours:
        yield _dead(line, ours, say("数据、代码表或映射不合约定", "data, code table or mapping break the contract"))
    if theirs:
        yield _dead(line, theirs, say("对方不收", "refused by the far side"))
    yield from _approvals(line)
    if number := line.held():
        what = say(f"{number} 条待人工", f"{number} held for a person") + _following(line, "")
        held = f"hub hold list --system {line.system.name}"
        yield Need(line.system.name, words.state(State.HELD), what, "", held, line.system.contact)


def _approvals(line: Line) -> Iterator[Need]:
    for approver, one in sorted(line.gates.items()):
        since = looking.since(one.oldest, line.now)
        what = say(
            f"{one.count} 条等{approver}审批，最早一条已等 {since}",
            f"{one.count} {words.verb(one.count, 'wait')} for {approver}, the oldest for {since}",
        )
        what += _following(line, approver)
        yield Need(line.system.name, words.state(State.HELD), what, "", f"hub hold list --system {line.system.name}")


def _following(line: Line, approver: str) -> str:
    """Return how many stand behind what this approver has to decide about, or somebody here (empty)."""
    number = line.behind[approver].count if approver in line.behind else 0
    return say(f"，后面还有 {number} 条跟着等", f", and {number} more behind them") if number else ""


def _dead(line: Line, groups: Sequence[DeadGroup], whose: str) -> Need:
    number, first = sum(one.count for one in groups), folded(groups)[0]
    cause = f"{first.code} {causes.told(first)}"
    what = say(f"{number} 条死信：{whose}", f"{words.counted(number, 'dead letter')}: {whose}")
    why = say(f"最多的 {first.count} 条：{cause}", f"most, {first.count}: {cause}")
    contact = contacts.whom(first.stage, line.system, line.suppliers)
    word = say("有死信", "dead letters")
    return Need(line.system.name, word, what, why, f"hub dead list --system {line.system.name}", contact)


def _parked(line: Line) -> Iterator[Need]:
    name, number = line.system.name, line.count(State.PARKED)
    if not number:
        return
    whose = words.verb(number, "their parents", "its parent")
    what = say(f"{number} 条等父记录", f"{number} {words.verb(number, 'wait')} for {whose}")
    if line.count(*FAILED):  # named above: mending the parents releases them
        why = say("父记录处理好后自动放行", "mend the parents, and the rest follows by itself")
    else:
        zh = "父记录还没有到或已结案，来源再读到就自动放行；不再送的用 hub hold cancel 编号"
        en = "no parent has come, or it was given up; once it is read again the rest follows; to end this: hub hold cancel ID"
        why = say(zh, en)
    word = words.state(State.PARKED)
    yield Need(name, word, what, why, f"hub hold list --parked --system {name}", waits=not line.count(*FAILED))


def _retrying(line: Line) -> Iterator[Need]:
    """Tell what is tried again one by one: of a system that is paused or down the reason is told already."""
    one, name = line.retrying, line.system.name
    if one and line.sendable():
        why, are = f"{one.code} {causes.said(one.code, one.reason)}", words.are(one.count)
        what = say(f"{one.count} 条在重试：{why}", f"{one.count} {are} tried again: {why}")
        yield Need(name, say("重试中", "retrying"), what.rstrip(), "", _look(line), line.system.contact, waits=True)


def _overdue(line: Line, holder: str | None) -> Iterator[Need]:
    pending = line.backlog.get(State.PENDING)
    stuck = pending is not None and pending.count and line.now - pending.oldest > OVERDUE
    if pending and stuck and holder and line.sendable():
        age = looking.since(pending.oldest, line.now)
        what = say(f"{pending.count} 条待发，最早一条已欠 {age}", f"{pending.count} pending, the oldest for {age}")
        why = say("对方慢或在逐条重试", "the target is slow, or they are being retried one by one")
        yield Need(line.system.name, say("积压", "overdue"), what, why, _look(line), line.system.contact, waits=True)
